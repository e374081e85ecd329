// The channel that is published: the packed one as it is, or signed anew for the place that it goes to.

import { type Channel, mostVersions, type Published, signChannel } from '../../../models/format/channel.ts'
import type { SigningKey } from '../../../models/format/keys.ts'
import { nextChannel } from '../../../models/tools/pack/next-channel.ts'
import { defaultExpiry } from '../../../models/tools/pack/pack.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { compareVersions } from '../../../runtime/core/version.ts'

export interface SignedChannel {
	readonly channel: Channel
	readonly jws: string
}

export interface SignOptions {
	key: SigningKey
	/** Milliseconds. Default: 90 days. */
	expiresIn?: number | undefined
	/** Milliseconds since 1970. Default: the clock. */
	now?: number | undefined
	/** Whether a version can be had at the place, or will be, by its manifest's digest. */
	has(manifest: string): Promise<boolean>
}

/**
 * The packed version as the current one of a place: with the place's next serial number, and beside it the versions that are published there, as if it
 * had been packed there.
 *
 * @param there the place's channel; `null` for the first.
 */
export async function signedAnew(
	{ channel }: SignedChannel,
	there: SignedChannel | null,
	{ key, expiresIn = defaultExpiry, now = Date.now(), has }: SignOptions,
): Promise<SignedChannel> {
	const issued = Math.floor(now / 1000)
	const { model, version, manifest } = channel
	const next = nextChannel(there?.channel ?? null, { model, version, manifest, issued, expires: issued + Math.floor(expiresIn / 1000) })
	const versions: Published[] = []
	for (const one of [...(next.versions ?? []), ...(channel.versions ?? [])])
		if (!versions.some((known) => known.version === one.version) && (await has(one.manifest))) versions.push(one)
	versions.sort((a, b) => compareVersions(b.version, a.version))
	const { versions: _, ...rest } = next
	const whole: Channel = {
		...rest,
		...(versions.length > 0 && { versions: versions.slice(0, mostVersions) }),
		serial: Math.max(next.serial, channel.serial),
	}
	return { channel: whole, jws: await signChannel(whole, key) }
}

/**
 * The packed channel, or the one that is there, where that says the same for longer.
 *
 * @throws SpillwayError `channel-rollback` when readers would refuse it for the one that is there.
 */
export function asPacked(packed: SignedChannel, there: SignedChannel | null, where: string): SignedChannel {
	if (!there) return packed
	const [ours, theirs] = [packed.channel, there.channel]
	const same = ours.manifest === theirs.manifest
	if (ours.serial < theirs.serial || (!same && ours.serial === theirs.serial))
		throw new SpillwayError(
			'channel-rollback',
			`${where}: the channel of ${ours.model} has serial number ${theirs.serial} there (${theirs.version}), and ${ours.serial} in the folder ` +
				`(${ours.version}): readers would refuse it, or not know which is newer. Give --key, to have it signed with the next one`,
		)
	return same && ours.serial === theirs.serial && ours.issued <= theirs.issued ? there : packed
}

/** All versions that a channel names, the current one first. */
export const namedBy = ({ version, manifest, versions = [] }: Channel): Published[] => [{ version, manifest }, ...versions]
