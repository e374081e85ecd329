// spillway pack: a model's folder becomes what a static host or an edge serves.

import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { type Channel, readChannel, signChannel } from '../../format/channel.ts'
import type { SigningKey } from '../../format/keys.ts'
import { channelPath, chunkPath, compressedPath, manifestPath } from '../../format/layout.ts'
import { build, type Package } from './build.ts'
import { compressed } from './compress.ts'
import { nextChannel } from './next-channel.ts'
import { readSource } from './source.ts'
import { type Content, writeAll } from './write.ts'

/** Milliseconds that a channel is good for unless said otherwise: 90 days. */
export const defaultExpiry = 90 * 24 * 60 * 60 * 1000

export interface PackOptions {
	/** Signs the channel. */
	key: SigningKey
	/** Default: that of the channel already in the folder, one more if the manifest changed; 1 for the first. */
	serial?: number | undefined
	/** Milliseconds until the channel expires. Default: 90 days. */
	expiresIn?: number | undefined
	/** Milliseconds since 1970, for the channel's date of issue. Default: the clock. */
	now?: number | undefined
}

export interface Packed {
	readonly model: string
	readonly version: string
	/** Digest of the manifest. */
	readonly digest: string
	readonly serial: number
	/** Versions that stay published beside it, the newest first. */
	readonly versions: readonly string[]
	/** Milliseconds since 1970. */
	readonly expires: number
	readonly files: number
	readonly chunks: number
	/** Bytes of all chunks, each counted once. */
	readonly size: number
	/** Bytes of the same chunks and the manifest, as a host sends them to whoever accepts brotli. */
	readonly sent: number
	/** Bytes of chunks and manifest that the folder did not have yet. */
	readonly written: number
}

/**
 * Packs `folder` into `out`, which may hold other models and older versions: they stay. Chunks and manifest depend on nothing
 * but the folder's content. The channel comes last, so that readers of `out` never meet something half written.
 *
 * @param folder holds model.json and the files it names.
 * @param out models address, as a folder; made if it is not there.
 * @throws SpillwayError `not-found`, `malformed` (what is wrong with the folder), `channel-rollback` (`serial` would be refused by readers).
 * @example await pack('models/minilm', 'dist/packed', { key: await signingKey(JSON.parse(text)) })
 */
export async function pack(folder: string, out: string, options: PackOptions): Promise<Packed> {
	const { key, expiresIn = defaultExpiry, now = Date.now() } = options
	const made = await build(await readSource(folder))
	const { model, version } = made.manifest
	const issued = Math.floor(now / 1000)
	const last = await lastChannel(out, model)
	const there = await manifestsIn(out)
	const channel = nextChannel(last, {
		model,
		version,
		manifest: made.digest,
		serial: options.serial,
		issued,
		expires: issued + Math.floor(expiresIn / 1000),
		isThere: (manifest) => there.has(manifestPath(manifest)),
	})
	const jws = await signChannel(channel, key)
	const plain = contents(made)
	const smaller = await compress(plain)
	const missing = await writeAll(out, [...plain, ...smaller.values()], { path: channelPath(model), bytes: new TextEncoder().encode(jws) })
	return {
		model,
		version,
		digest: made.digest,
		serial: channel.serial,
		versions: channel.versions?.map(({ version }) => version) ?? [],
		expires: channel.expires * 1000,
		files: Object.keys(made.manifest.files).length,
		chunks: made.chunks.size,
		size: bytesOf(made.chunks.values()),
		sent: bytesOf(plain.map(({ path, bytes }) => smaller.get(path)?.bytes ?? bytes)),
		written: bytesOf(missing.filter((content) => plain.includes(content)).map(({ bytes }) => bytes)),
	}
}

const contents = ({ chunks, digest, manifestBytes }: Package) => [
	...Array.from(chunks, ([name, bytes]) => ({ path: chunkPath(name), bytes })),
	{ path: manifestPath(digest), bytes: manifestBytes },
]

const bytesOf = (contents: Iterable<Uint8Array>): number => [...contents].reduce((sum, { byteLength }) => sum + byteLength, 0)

/** The compressed forms, by the path of the plain one. */
async function compress(plain: readonly Content[]): Promise<Map<string, Content>> {
	const made = await Promise.all(plain.map(async ({ path, bytes }) => ({ path, smaller: await compressed(bytes) })))
	return new Map(made.flatMap(({ path, smaller }) => (smaller ? [[path, { path: compressedPath(path), bytes: smaller }]] : [])))
}

/** The channel that is there; whoever packs holds the folder, so its signature says nothing. */
async function lastChannel(out: string, model: string): Promise<Channel | null> {
	const file = join(out, channelPath(model))
	let text: string
	try {
		text = await readFile(file, 'utf8')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
		throw error
	}
	try {
		return readChannel(text)
	} catch (cause) {
		throw new SpillwayError('malformed', `${file} is there but cannot be read; repair or remove it`, { cause })
	}
}

/** Paths of the manifests that are there. */
async function manifestsIn(out: string): Promise<Set<string>> {
	const names = await readdir(join(out, dirname(manifestPath('')))).catch(() => [])
	return new Set(names.map((name) => join(dirname(manifestPath('')), name)))
}
