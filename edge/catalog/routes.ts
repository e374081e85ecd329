// The distribution routes: what pages download. Public, of any origin, no key.

import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { digestOf } from '../../models/format/digest.ts'
import { publicKey } from '../../models/format/keys.ts'
import { chunkPath, manifestPath } from '../../models/format/layout.ts'
import { nameSchema } from '../../models/format/manifest.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Catalog } from './catalog.ts'
import type { Channels } from './channels.ts'
import { takesBrotli } from './encoding.ts'
import type { ByteRange } from './range.ts'
import { immutable, respond, revalidate } from './respond.ts'
import { streamFile } from './whole-file.ts'

export interface DistributionOptions {
	catalog: Catalog
	channels: Channels
	/** Trust keys, the one that signs now first. */
	keys: readonly string[]
	/** Gives a stream the length that its response announces, where the platform wants to be told (workerd). */
	sized?: (stream: ReadableStream<Uint8Array>, length: number) => ReadableStream<Uint8Array>
}

/**
 * Makes the routes: `/models/<model>/channel.jws`, `/models/manifests/<digest>.json`, `/models/chunks/<digest>`,
 * `/models/<model>/<version>/files/<name>`, for all versions that the channel names, and `/.well-known/jwks.json`.
 *
 * Errors, for the application's error handler: `not-found`, and `integrity` for a chunk or manifest that is damaged here.
 */
export function distribution({ catalog, channels, keys, sized = (stream) => stream }: DistributionOptions): Hono {
	const app = new Hono()
	const open = cors({
		origin: '*',
		allowMethods: ['GET', 'HEAD'],
		exposeHeaders: ['ETag', 'Content-Encoding', 'Content-Length', 'Content-Range', 'Accept-Ranges'],
		maxAge: 86_400,
	})
	app.use('/models/*', open, crossOrigin)
	app.use('/.well-known/jwks.json', open, crossOrigin)

	app.get('/.well-known/jwks.json', async (c) => {
		const body = new TextEncoder().encode(JSON.stringify({ keys: await Promise.all(keys.map(publicKey)) }))
		return respond(c.req.raw, await small(body, 'application/jwk-set+json', 'public, max-age=300'))
	})

	app.get('/models/:model/channel.jws', async (c) => {
		const { model } = c.req.param()
		const jws = nameSchema.safeParse(model).success ? await channels(model) : null
		if (jws === null) throw missing(`model ${JSON.stringify(model)}`)
		return respond(c.req.raw, await small(new TextEncoder().encode(jws), 'application/jose', revalidate))
	})

	app.get('/models/manifests/:file{[0-9a-f]{64}\\.json}', async (c) => {
		const digest = c.req.param('file').slice(0, 64)
		const smaller = takesBrotli(c.req.raw) && (await catalog.compressed(manifestPath(digest), digest))
		if (smaller) return respond(c.req.raw, whole(smaller, digest, 'application/json', 'br'))
		const stored = await catalog.manifest(digest)
		if (!stored) throw missing(`manifest ${digest}`)
		return respond(c.req.raw, whole(stored.bytes, digest, 'application/json'))
	})

	app.get('/models/chunks/:digest{[0-9a-f]{64}}', async (c) => {
		const digest = c.req.param('digest')
		const smaller = takesBrotli(c.req.raw) && (await catalog.compressed(chunkPath(digest), digest))
		if (smaller) return respond(c.req.raw, whole(smaller, digest, 'application/octet-stream', 'br'))
		const bytes = await catalog.chunk(digest)
		if (!bytes) throw missing(`chunk ${digest}`)
		return respond(c.req.raw, whole(bytes, digest, 'application/octet-stream'))
	})

	app.get('/models/:model/:version/files/:name', async (c) => {
		const { model, version, name } = c.req.param()
		const current = nameSchema.safeParse(model).success ? await catalog.channel(model) : null
		if (!current) throw missing(`model ${JSON.stringify(model)}`)
		// Exactly this one: what is found for a range changes.
		const named = [current.channel, ...(current.channel.versions ?? [])]
		const wanted = named.find((one) => one.version === version)
		if (!wanted)
			throw missing(`version ${JSON.stringify(version)} of ${model}; it is here as ${named.map((one) => one.version).join(', ')}`)
		const stored = await catalog.manifest(wanted.manifest)
		if (!stored) throw missing(`manifest ${wanted.manifest}`)
		const file = Object.hasOwn(stored.manifest.files, name) ? stored.manifest.files[name] : undefined
		if (!file) throw missing(`file ${JSON.stringify(name)} in ${model} ${version}`)
		return respond(c.req.raw, {
			size: file.size,
			etag: `"${file.digest}"`,
			type: name.endsWith('.json') ? 'application/json' : 'application/octet-stream',
			// A version that was packed again holds other bytes under the same name.
			cache: revalidate,
			body: (range) => sized(streamFile(catalog, file, range), range.end - range.start),
		})
	})

	return app
}

const missing = (what: string) => new SpillwayError('not-found', `there is no ${what} here`)

/** Lets pages under cross-origin isolation use what they load from here. */
async function crossOrigin(c: { header(name: string, value: string): void }, next: () => Promise<void>): Promise<void> {
	await next()
	c.header('cross-origin-resource-policy', 'cross-origin')
}

const part =
	(bytes: Uint8Array<ArrayBuffer>) =>
	({ start, end }: ByteRange) =>
		bytes.subarray(start, end)

/** The coded form is another representation, and has another validator. */
const whole = (bytes: Uint8Array<ArrayBuffer>, digest: string, type: string, encoding: 'br' | null = null) => ({
	size: bytes.byteLength,
	etag: encoding ? `"${digest}-${encoding}"` : `"${digest}"`,
	type,
	cache: immutable,
	encoding,
	body: part(bytes),
})

const small = async (bytes: Uint8Array<ArrayBuffer>, type: string, cache: string) => ({
	size: bytes.byteLength,
	etag: `"${(await digestOf(bytes)).slice(0, 32)}"`,
	type,
	cache,
	body: part(bytes),
})
