// spillway verify: whether a models address holds what its signed channels promise, byte for byte.

import { createHash } from 'node:crypto'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import { type Channel, type Published, readChannel, verifyChannel } from '../../format/channel.ts'
import { checkDigest, digestOf } from '../../format/digest.ts'
import { checkTrustKey } from '../../format/keys.ts'
import { channelPath, chunkPath, compressedPath, manifestPath } from '../../format/layout.ts'
import type { Manifest } from '../../format/manifest.ts'
import { parseManifest } from '../../format/parse.ts'
import { decompressed } from './compress.ts'
import { type Place, placeOf } from './place.ts'

export interface VerifyOptions {
	/** Trust keys, at least one. */
	trust: readonly string[]
	/** Which models; a web server does not tell, a folder does. Default: all of the folder. */
	models?: readonly string[] | undefined
	/** Milliseconds since 1970. Default: the clock. */
	now?: number | undefined
}

export interface VerifiedModel {
	readonly model: string
	/** What the channel says; `null` where it cannot be read. */
	readonly channel: Channel | null
	readonly chunks: number
	/** Bytes of the chunks that were looked at. */
	readonly size: number
	/** Everything that is wrong, each with its place; empty for a good model. */
	readonly problems: readonly string[]
}

/**
 * Checks signature, expiry and schema of each channel, digest and schema of the manifests that it names, and digest and size of every chunk
 * and file. Goes on after a problem, so that the list is complete.
 *
 * @param base folder or address of the models.
 * @throws SpillwayError `malformed` for wrong options, `not-found` when there is no model to look at.
 */
export async function verify(base: string, { trust, models, now }: VerifyOptions): Promise<VerifiedModel[]> {
	if (!trust.length) throw new SpillwayError('malformed', 'verify needs at least one trust key')
	for (const key of trust) checkTrustKey(key)
	const place = placeOf(base)
	const names = models?.length ? models : await place.models()
	if (!names) throw new SpillwayError('malformed', `${base} does not tell which models it has: name them`)
	if (!names.length) throw new SpillwayError('not-found', `${base} holds no model (no <model>/channel.jws)`)
	const verified: VerifiedModel[] = []
	for (const model of names) verified.push(await verifyModel(place, model, trust, now))
	return verified
}

async function verifyModel(place: Place, model: string, trust: readonly string[], now: number | undefined): Promise<VerifiedModel> {
	const problems: string[] = []
	const note = (where: string, error: unknown) => problems.push(prefixed(where, messageOf(error)))
	const channel = await readTrusted(place, model, trust, now, note)
	const sizes = new Map<string, number>()
	const files = new Set<string>()
	for (const { model, ...one } of channel ? publishedIn(channel) : []) {
		const manifest = await readManifest(place, model, one, note)
		if (manifest) for (const [digest, size] of await checkFiles(place, manifest, files, note)) sizes.set(digest, size)
	}
	return { model, channel, chunks: sizes.size, size: [...sizes.values()].reduce((sum, size) => sum + size, 0), problems }
}

/** The current version, and those beside it. */
const publishedIn = ({ model, version, manifest, versions = [] }: Channel): (Published & { model: string })[] =>
	[{ version, manifest }, ...versions].map((one) => ({ model, ...one }))

/** Bytes that a manifest or a chunk may have. */
const largest = 64 * 1024 * 1024

type Note = (where: string, error: unknown) => void

/** A channel that is not to be trusted is still followed, so that all else that is wrong is told too. */
async function readTrusted(
	place: Place,
	model: string,
	trust: readonly string[],
	now: number | undefined,
	note: Note,
): Promise<Channel | null> {
	const path = channelPath(model)
	try {
		const jws = new TextDecoder().decode(await place.read(path))
		await verifyChannel(jws, trust, now === undefined ? { model } : { model, now }).catch((error) => note(path, error))
		return readChannel(jws)
	} catch (error) {
		if (!(error instanceof SpillwayError) || error.code !== 'malformed') note(path, error)
		return null
	}
}

async function readManifest(place: Place, model: string, { version, manifest: digest }: Published, note: Note): Promise<Manifest | null> {
	const path = manifestPath(digest)
	try {
		const bytes = await place.read(path)
		await checkDigest('manifest', bytes, { digest }).catch((error) => note(path, error))
		await checkCompressed(place, path, digest, note)
		const manifest = parseManifest(bytes)
		const said = { model, version }
		for (const name of ['model', 'version'] as const)
			if (manifest[name] !== said[name]) note(path, new Error(`${name} is ${manifest[name]}, the channel says ${said[name]}`))
		return manifest
	} catch (error) {
		note(path, error)
		return null
	}
}

/**
 * @param known digests of files that were looked at in another version.
 * @returns size of each chunk that is good, by digest.
 */
async function checkFiles(place: Place, manifest: Manifest, known: Set<string>, note: Note): Promise<Map<string, number>> {
	const good = new Map<string, number>()
	const bad = new Set<string>()
	for (const [name, file] of Object.entries(manifest.files)) {
		const looked = JSON.stringify([file.digest, file.chunks])
		if (known.has(looked)) continue
		known.add(looked)
		const whole = createHash('sha256')
		let complete = true
		for (const [index, chunk] of file.chunks.entries()) {
			try {
				const bytes = await place.read(chunkPath(chunk.digest))
				await checkDigest(`chunk ${index} of ${name}`, bytes, chunk)
				good.set(chunk.digest, chunk.size)
				whole.update(bytes)
				await checkCompressed(place, chunkPath(chunk.digest), chunk.digest, note)
			} catch (error) {
				complete = false
				if (!bad.has(chunk.digest)) note(chunkPath(chunk.digest), prefixedError(`chunk ${index} of ${name}`, error))
				bad.add(chunk.digest)
			}
		}
		const digest = whole.digest('hex')
		if (complete && digest !== file.digest) note(name, new Error(`the chunks make a file with SHA-256 ${digest}, should be ${file.digest}`))
	}
	return good
}

/** The compressed form, where there is one, must be that of the bytes that are named. */
async function checkCompressed(place: Place, path: string, digest: string, note: Note): Promise<void> {
	const smaller = await place.compressed(path)
	if (!smaller) return
	const found = await decompressed(smaller, largest).then(digestOf, () => null)
	if (found !== digest) note(compressedPath(path), new Error(`it is not the brotli form of ${path}`))
}

const prefixed = (where: string, message: string): string => (message.startsWith(`${where}: `) ? message : `${where}: ${message}`)

const prefixedError = (where: string, error: unknown): Error => new Error(prefixed(where, messageOf(error)))
