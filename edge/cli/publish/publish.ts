// Publishing: from a packed folder into the catalogue of an edge, chunk by chunk, the channel last.

import { readChannel } from '../../../models/format/channel.ts'
import type { SigningKey } from '../../../models/format/keys.ts'
import { channelPath, manifestPath } from '../../../models/format/layout.ts'
import { placeOf } from '../../../models/tools/pack/place.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { asPacked, namedBy, type SignedChannel, signedAnew } from './channel.ts'
import { isThere, type Piece, piecesOf } from './pieces.ts'
import { kinds, type Stored, type Target } from './target.ts'

/** Pieces that are looked at and sent at once. */
const atOnce = 6

export interface PublishOptions {
	/** Which models; default: all of the folder. */
	models?: readonly string[]
	/** Signs the channel anew, for the place that it is published to; without it the channel goes there as it was packed. */
	key?: SigningKey | undefined
	/** Milliseconds that a channel signed here is good for. Default: 90 days. */
	expiresIn?: number | undefined
	/** Milliseconds since 1970. Default: the clock. */
	now?: number | undefined
	/** Told after each piece. */
	onProgress?(progress: Progress): void
}

export interface Progress {
	readonly model: string
	/** Pieces that are there, of all that must be there before the channel is written. */
	readonly done: number
	readonly all: number
	/** Bytes sent so far. */
	readonly sent: number
}

export interface Published {
	readonly model: string
	readonly version: string
	/** Digest of the manifest. */
	readonly digest: string
	readonly serial: number
	/** Milliseconds since 1970. */
	readonly expires: number
	/** Chunks and manifests of the folder that the channel needs, and those of them that were missing. */
	readonly pieces: number
	readonly missing: number
	/** Bytes that were sent, compressed forms included. */
	readonly sent: number
	/** Whether the channel was written; it is not when the one that is there says the same. */
	readonly changed: boolean
	/** Whether the place keeps two publishers apart that write at the same time. */
	readonly exclusive: boolean
	/** Versions that the channel before named, and this one does not: nobody finds them any more. */
	readonly forgotten: readonly string[]
}

/**
 * Publishes models of a packed folder. What is there already is not sent again, so that a run that was cut off goes on where it stopped; every
 * piece is seen to be there, with its bytes, before the channel names it. The channel replaces only the one that was read at the beginning.
 *
 * @param folder as `pack` writes it.
 * @throws SpillwayError `integrity` when the folder or the place holds other bytes than they are named by, `channel-rollback` when the place has a newer
 *   channel or another publisher was faster, `not-found` for models that are not in the folder; what the target throws.
 * @example await publish('dist/packed', bucketTarget(openBucket({ … })), { key })
 */
export async function publish(folder: string, target: Target, options: PublishOptions = {}): Promise<Published[]> {
	const names = options.models?.length ? options.models : await placeOf(folder).models()
	if (!names?.length)
		throw new SpillwayError('not-found', `${folder} holds no packed model (no <model>/channel.jws); spillway pack makes such a folder`)
	const published: Published[] = []
	for (const model of names) published.push(await publishModel(folder, target, model, options))
	return published
}

async function publishModel(folder: string, target: Target, model: string, options: PublishOptions): Promise<Published> {
	const place = placeOf(folder)
	const path = channelPath(model)
	const packed = channelOf(await place.read(path), path, folder)
	if (packed.channel.model !== model)
		throw new SpillwayError('malformed', `${path}: is the channel of ${packed.channel.model}, not of ${model}`)
	const before = await target.read(path)
	const there = before && channelOf(before.bytes, path, target.where)
	const { key, expiresIn, now } = options
	const has = async (manifest: string) =>
		(await isThere(place, manifestPath(manifest))) || (await target.read(manifestPath(manifest))) !== null
	const { channel, jws } = key ? await signedAnew(packed, there, { key, expiresIn, now, has }) : asPacked(packed, there, target.where)
	const { stages, manifest } = await piecesOf(place, target, channel)
	const pieces = stages.flat().length
	const brought = await bring(stages, target, (done, sent) => options.onProgress?.({ model, done, all: pieces, sent }))
	const exclusive = await target.holdsConditions(manifest)
	const changed = jws !== there?.jws
	if (changed) await replace(target, path, jws, before)
	const named = new Set(namedBy(channel).map(({ version }) => version))
	return {
		model,
		version: channel.version,
		digest: channel.manifest,
		serial: channel.serial,
		expires: channel.expires * 1000,
		pieces,
		...brought,
		changed,
		exclusive,
		forgotten: there ? namedBy(there.channel).flatMap(({ version }) => (named.has(version) ? [] : [version])) : [],
	}
}

function channelOf(bytes: Uint8Array, path: string, where: string): SignedChannel {
	const jws = new TextDecoder().decode(bytes).trim()
	try {
		return { channel: readChannel(jws), jws }
	} catch (cause) {
		throw new SpillwayError('malformed', `${where}: ${path} is there but cannot be read; repair or remove it`, { cause })
	}
}

/**
 * Sees to it that all pieces are there: those of a stage when all before them are, so that wherever a manifest is, its chunks are, too. Ends with the
 * first error, when no request is under way any more.
 */
async function bring(
	stages: readonly (readonly Piece[])[],
	target: Target,
	tell: (done: number, sent: number) => void,
): Promise<{ missing: number; sent: number }> {
	let [done, missing, sent] = [0, 0, 0]
	async function work(waiting: Piece[]): Promise<void> {
		for (let piece = waiting.shift(); piece; piece = waiting.shift()) {
			let isMissing = false
			for (const content of await piece.read()) {
				if (await target.holds(content)) continue
				await target.write(content)
				if (!(await target.holds(content)))
					throw new SpillwayError('integrity', `${target.where}: ${content.path} does not hold the bytes that were just put there`)
				isMissing = true
				sent += content.bytes.byteLength
			}
			if (isMissing) missing++
			tell(++done, sent)
		}
	}
	for (const stage of stages) {
		const waiting = [...stage]
		const workers = Array.from({ length: atOnce }, () =>
			work(waiting).catch((error) => {
				waiting.length = 0
				throw error
			}),
		)
		const failed = (await Promise.allSettled(workers)).find((worker) => worker.status === 'rejected')
		if (failed) throw failed.reason
	}
	return { missing, sent }
}

/** The one step that readers see. */
async function replace(target: Target, path: string, jws: string, before: Stored | null): Promise<void> {
	const bytes = new TextEncoder().encode(jws)
	const swapped = await target.swap({ path, bytes, kind: kinds.channel }, before?.tag ?? null)
	// Also after a swap that was refused: its answer may have been lost, and the next try have met its own work.
	const there = await target.read(path)
	if (there && Buffer.compare(there.bytes, bytes) === 0) return
	throw new SpillwayError(
		'channel-rollback',
		`${target.where}: ${path} was ${swapped ? 'overwritten' : 'changed'} by another publisher meanwhile; all chunks are there: run it again`,
	)
}
