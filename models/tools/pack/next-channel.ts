// The channel that follows another: the current version changes, those before it stay published.

import { SpillwayError } from '../../../runtime/core/error.ts'
import { compareVersions } from '../../../runtime/core/version.ts'
import { type Channel, mostVersions, type Published } from '../../format/channel.ts'

export interface NextChannel {
	model: string
	/** The version that becomes current, or stays it. */
	version: string
	/** Digest of its manifest. */
	manifest: string
	/** Default: that of the channel before, one more if the manifest changed; 1 for the first. */
	serial?: number | undefined
	/** Unix time in seconds. */
	issued: number
	/** Unix time in seconds. */
	expires: number
	/** Whether a version published before can still be had, by its manifest's digest. Default: all can. */
	isThere?(manifest: string): boolean
}

/**
 * The newest sixteen of the versions before stay published beside the current one. Where an older version becomes current again, those that
 * are newer than it are withdrawn.
 *
 * @param last the channel that is there; null for the first.
 * @throws SpillwayError `channel-rollback` when readers would refuse the serial number.
 */
export function nextChannel(last: Channel | null, next: NextChannel): Channel {
	const { model, version, manifest, issued, expires, isThere = () => true } = next
	const versions = before(last).filter(
		(one) => one.manifest !== manifest && compareVersions(one.version, version) < 0 && isThere(one.manifest),
	)
	return {
		format: 'spillway-channel/1',
		model,
		version,
		manifest,
		...(versions.length > 0 && { versions: versions.slice(0, mostVersions) }),
		serial: nextSerial(last, manifest, next.serial),
		issued,
		expires,
	}
}

/** All that the channel names, the newest first. */
const before = (last: Channel | null): Published[] =>
	(last ? [{ version: last.version, manifest: last.manifest }, ...(last.versions ?? [])] : []).sort((a, b) =>
		compareVersions(b.version, a.version),
	)

function nextSerial(last: Channel | null, manifest: string, asked: number | undefined): number {
	if (!last) return asked ?? 1
	const least = last.manifest === manifest ? last.serial : last.serial + 1
	if (asked === undefined) return least
	if (asked < least)
		throw new SpillwayError(
			'channel-rollback',
			`serial number ${asked} would be refused by readers: the channel that is there has ${last.serial}; give ${least} or more, or leave it out`,
		)
	return asked
}
