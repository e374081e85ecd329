// A models address for the tests: a real HTTP server on loopback, whose answers can be spoiled one by one.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signChannel } from '../../models/format/channel.ts'
import { generateSigningKey, kidOf, type SigningKey } from '../../models/format/keys.ts'
import { channelPath, chunkPath, manifestPath } from '../../models/format/layout.ts'
import type { Packed } from './tiny.ts'

/** Answers a request in its own way; what it gives back is how often it does so. */
export type Fault = (response: ServerResponse, request: IncomingMessage, body: Uint8Array | undefined) => void

export interface ModelsServer {
	base: URL
	/** Public trust key. */
	key: string
	/** Paths asked for, in order. */
	requests: string[]
	/** Puts a version's manifest and chunks there, and a channel that names it, and beside it others that are there. */
	publish(packed: Packed, channel?: { serial?: number; expires?: number; key?: SigningKey; versions?: Packed[] }): Promise<void>
	/** Takes a path away. */
	remove(path: string): void
	/** Spoils the next `times` answers (default: all) to paths that match. */
	spoil(paths: RegExp, fault: Fault, times?: number): void
	/** Answers rightly again. */
	mend(): void
	/** Ends it: addresses refuse connections from then on. */
	close(): Promise<void>
}

export async function modelsServer(): Promise<ModelsServer> {
	const signing = await generateSigningKey()
	const files = new Map<string, Uint8Array>()
	const requests: string[] = []
	let faults: { paths: RegExp; fault: Fault; times: number }[] = []

	const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: signing.x, kid: await kidOf(signing.x), alg: 'EdDSA', use: 'sig' }] }
	files.set('jwks.json', new TextEncoder().encode(JSON.stringify(jwks)))

	const server = createServer((request, response) => {
		const path = (request.url ?? '').replace(/^\/models\//, '')
		requests.push(path)
		const body = files.get(path)
		const spoiled = faults.find(({ paths, times }) => times > 0 && paths.test(path))
		if (spoiled) {
			spoiled.times--
			return spoiled.fault(response, request, body)
		}
		if (!body) return response.writeHead(404).end('nothing here')
		response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length }).end(body)
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

	return {
		base: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/models/`),
		key: signing.x,
		requests,
		async publish({ manifest, digest, bytes, chunks }, { serial = 1, expires, key = signing, versions = [] } = {}) {
			const issued = Math.floor(Date.now() / 1000)
			const { model, version } = manifest
			const jws = await signChannel(
				{
					format: 'spillway-channel/1',
					model,
					version,
					manifest: digest,
					versions: versions.map(({ manifest, digest }) => ({ version: manifest.version, manifest: digest })),
					serial,
					issued,
					expires: expires ?? issued + 3600,
				},
				key,
			)
			files.set(channelPath(model), new TextEncoder().encode(jws))
			files.set(manifestPath(digest), bytes)
			for (const [name, chunk] of chunks) files.set(chunkPath(name), chunk)
		},
		remove: (path) => void files.delete(path),
		spoil: (paths, fault, times = Number.POSITIVE_INFINITY) => void faults.push({ paths, fault, times }),
		mend() {
			faults = []
		},
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve())
				server.closeAllConnections()
			}),
	}
}

/** Faults of servers and of the way to them. */
export const faults = {
	status:
		(status: number, headers: Record<string, string> = {}): Fault =>
		(response) =>
			void response.writeHead(status, headers).end('no'),
	/** A flipped bit in the middle. */
	flipped: ((response, _, body = new Uint8Array(1)) => {
		const wrong = body.slice()
		wrong[wrong.length >> 1] = (wrong[wrong.length >> 1] as number) ^ 1
		response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(wrong)
	}) satisfies Fault,
	/** A body that ends before its announced length. */
	truncated: ((response, _, body = new Uint8Array(2)) => {
		response.writeHead(200, { 'content-length': body.length })
		response.write(body.slice(0, body.length >> 1), () => response.destroy())
	}) satisfies Fault,
	/** A body that is whole for HTTP, and too short. */
	short: ((response, _, body = new Uint8Array(2)) => void response.writeHead(200).end(body.slice(0, body.length >> 1))) satisfies Fault,
	/** The page that many hosts give for whatever they do not have. */
	html: ((response) =>
		void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Oops</title>')) satisfies Fault,
	/** Headers, some bytes, and then nothing. */
	stalled: ((response, _, body = new Uint8Array(2)) => {
		response.writeHead(200, { 'content-length': body.length })
		response.write(body.slice(0, 1))
	}) satisfies Fault,
	/** A connection that is closed without a word. */
	closed: ((response) => void response.destroy()) satisfies Fault,
}
