// Distribution over HTTP: what a page downloads, from any edge.

import { request as httpRequest } from 'node:http'
import { beforeAll, describe, expect, test } from 'vitest'
import { verifyChannel } from '../../models/format/channel.ts'
import { digestOf } from '../../models/format/digest.ts'
import { trustKeysOf } from '../../models/format/keys.ts'
import type { Manifest } from '../../models/format/manifest.ts'
import { parseManifest } from '../../models/format/parse.ts'
import type { PackedFolder } from './harness/models.ts'
import { keys } from './suites/under-test.ts'

export interface Distributing {
	readonly url: string
	readonly packed: PackedFolder
	/** Trust key that the edge signs with. */
	readonly trust: string
}

const immutable = 'public, max-age=31536000, immutable'

/**
 * @param edge serves {@link model}, whose `file` has several chunks.
 */
export function catalogSuite(edge: () => Distributing, { model, file }: { model: string; file: string }): void {
	const get = (path: string, init: RequestInit = {}) => fetch(edge().url + path, { signal: AbortSignal.timeout(30_000), ...init })
	const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer())

	let manifest: Manifest
	let digest: string
	let filePath: string
	let whole: Uint8Array
	beforeAll(async () => {
		digest = edge().packed.models[model]?.digest as string
		manifest = parseManifest(await bytesOf(await get(`/models/manifests/${digest}.json`)))
		filePath = `/models/${model}/${manifest.version}/files/${file}`
		whole = await bytesOf(await get(filePath))
	})

	/** Whatever is distributed may be read by pages of any origin, isolated or not. */
	const expectOpen = ({ headers }: Response) => {
		expect(headers.get('access-control-allow-origin')).toBe('*')
		expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
	}

	describe('the channel', () => {
		test('is signed by the key that the edge tells', async () => {
			const response = await get(`/models/${model}/channel.jws`)
			expectOpen(response)
			expect(response.headers.get('cache-control')).toBe('no-cache')
			const jwks = await get('/.well-known/jwks.json')
			expectOpen(jwks)
			const trust = trustKeysOf(await jwks.json())
			expect(trust).toEqual([edge().trust])
			const channel = await verifyChannel(await response.text(), trust, { model })
			expect(channel).toMatchObject({ manifest: digest, version: manifest.version, serial: 1 })
		})

		test('is asked about, not sent again', async () => {
			const etag = (await get(`/models/${model}/channel.jws`)).headers.get('etag') ?? ''
			const again = await get(`/models/${model}/channel.jws`, { headers: { 'if-none-match': etag } })
			expect(again.status).toBe(304)
			expectOpen(again)
		})
	})

	describe('manifests and chunks', () => {
		test('have the bytes they are named by, for ever', async () => {
			const [chunk] = manifest.files[file]?.chunks ?? []
			for (const [path, name] of [
				[`/models/manifests/${digest}.json`, digest],
				[`/models/chunks/${chunk?.digest}`, chunk?.digest],
			] as const) {
				const response = await get(path)
				expectOpen(response)
				expect(response.headers.get('cache-control')).toBe(immutable)
				expect(response.headers.get('etag')).toBe(`"${name}"`)
				const bytes = await bytesOf(response)
				expect(response.headers.get('content-length')).toBe(String(bytes.byteLength))
				expect(await digestOf(bytes)).toBe(name)
				expect((await get(path, { headers: { 'if-none-match': `"${name}"` } })).status).toBe(304)
			}
		})

		test('HEAD tells the length and sends nothing', async () => {
			const [chunk] = manifest.files[file]?.chunks ?? []
			const response = await get(`/models/chunks/${chunk?.digest}`, { method: 'HEAD' })
			expect(response.headers.get('content-length')).toBe(String(chunk?.size))
			expect((await bytesOf(response)).byteLength).toBe(0)
		})
	})

	describe('to whoever accepts brotli', () => {
		const brotli = { 'accept-encoding': 'gzip;q=0.5, br' }
		const manifestPath = () => `/models/manifests/${digest}.json`

		test('manifests and chunks are sent compressed, where they were packed so', async () => {
			const digests = Object.values(manifest.files).flatMap(({ chunks }) => chunks.map((chunk) => chunk.digest))
			const coded: string[] = []
			for (const [path, name] of [[manifestPath(), digest], ...digests.map((name) => [`/models/chunks/${name}`, name] as const)] as const) {
				const response = await get(path, { headers: brotli })
				expectOpen(response)
				expect(response.headers.get('cache-control')).toBe(immutable)
				expect(response.headers.get('vary')).toContain('Accept-Encoding')
				const plain = await bytesOf(response)
				expect(await digestOf(plain)).toBe(name)
				const length = Number(response.headers.get('content-length'))
				if (response.headers.get('content-encoding') === null) {
					expect(length).toBe(plain.byteLength)
					continue
				}
				coded.push(path)
				expect(response.headers.get('content-encoding')).toBe('br')
				expect(length).toBeLessThan(0.98 * plain.byteLength)
				expect(response.headers.get('etag')).toBe(`"${name}-br"`)
				expect((await get(path, { headers: { ...brotli, 'if-none-match': `"${name}-br"` } })).status).toBe(304)
				const head = await get(path, { headers: brotli, method: 'HEAD' })
				expect([head.headers.get('content-encoding'), head.headers.get('content-length')]).toEqual(['br', String(length)])
				await head.body?.cancel()
			}
			expect(coded).toContain(manifestPath())
		})

		test.each(['gzip', 'identity', 'br;q=0', ''])('and plain to who accepts %j', async (accepted) => {
			const response = await get(manifestPath(), { headers: { 'accept-encoding': accepted } })
			expect(response.headers.get('content-encoding')).toBeNull()
			expect(response.headers.get('vary')).toContain('Accept-Encoding')
			expect(response.headers.get('etag')).toBe(`"${digest}"`)
			expect(await digestOf(await bytesOf(response))).toBe(digest)
		})

		test('a range is one of the plain bytes', async () => {
			const plain = await bytesOf(await get(manifestPath()))
			const response = await get(manifestPath(), { headers: { ...brotli, range: 'bytes=5-9' } })
			expect(response.status).toBe(206)
			expect(response.headers.get('content-encoding')).toBeNull()
			expect(response.headers.get('content-range')).toBe(`bytes 5-9/${plain.byteLength}`)
			expect(await bytesOf(response)).toEqual(plain.slice(5, 10))
		})
	})

	describe('a whole file', () => {
		test('is put together from its chunks', async () => {
			expect(manifest.files[file]?.chunks.length).toBeGreaterThan(1)
			expect(whole.byteLength).toBe(manifest.files[file]?.size)
			expect(await digestOf(whole)).toBe(manifest.files[file]?.digest)
			const response = await get(filePath, { method: 'HEAD' })
			expectOpen(response)
			expect(response.headers.get('content-length')).toBe(String(whole.byteLength))
			expect(response.headers.get('accept-ranges')).toBe('bytes')
			// A version that is packed again holds other bytes under the same name.
			expect(response.headers.get('cache-control')).toBe('no-cache')
			expect(response.headers.get('etag')).toBe(`"${manifest.files[file]?.digest}"`)
		})

		test('in parts, across the borders of chunks', async () => {
			const { length } = whole
			const border = manifest.files[file]?.chunks[0]?.size as number
			for (const [range, start, end] of [
				['0-0', 0, 1],
				[`${border - 2}-${border + 1}`, border - 2, border + 2],
				[`${border}-`, border, length],
				['-7', length - 7, length],
				[`5-${length * 2}`, 5, length],
			] as const) {
				const response = await get(filePath, { headers: { range: `bytes=${range}` } })
				expect(response.status, range).toBe(206)
				expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${length}`)
				expect(response.headers.get('content-length')).toBe(String(end - start))
				expect(await bytesOf(response)).toEqual(whole.slice(start, end))
			}
		})

		test('several parts are answered with the whole, parts that do not exist with 416', async () => {
			const several = await get(filePath, { headers: { range: 'bytes=0-1,5-6' } })
			expect(several.status).toBe(200)
			expect((await bytesOf(several)).byteLength).toBe(whole.byteLength)
			const none = await get(filePath, { headers: { range: `bytes=${whole.byteLength}-` } })
			expect(none.status).toBe(416)
			expect(none.headers.get('content-range')).toBe(`bytes */${whole.byteLength}`)
			expect(none.headers.get('cache-control')).toBe('no-store')
			await none.body?.cancel()
		})

		test('304 for who has it; If-Range only for who has begun with it', async () => {
			const etag = `"${manifest.files[file]?.digest}"`
			expect((await get(filePath, { headers: { 'if-none-match': `"x", ${etag}` } })).status).toBe(304)
			const range = { range: 'bytes=0-1' }
			expect((await bytesOf(await get(filePath, { headers: { ...range, 'if-range': etag } }))).byteLength).toBe(2)
			expect((await bytesOf(await get(filePath, { headers: { ...range, 'if-range': '"x"' } }))).byteLength).toBe(whole.byteLength)
		})
	})

	describe('what is not there', () => {
		const nothing = '0'.repeat(64)
		test.each([
			['/models/nobody/channel.jws'],
			[`/models/chunks/${nothing}`],
			[`/models/chunks/${'A'.repeat(64)}`],
			[`/models/chunks/${nothing}0`],
			[`/models/manifests/${nothing}.json`],
			[`/models/manifests/${nothing}`],
			[`/models/${model}/9.9.9/files/${file}`],
			[`/models/${model}/1.0.0/files/nothing.bin`],
			[`/models/${model}/1.0.0/files/__proto__`],
			['/models/__proto__/channel.jws'],
			['/models/'],
			['/models/../package.json'],
			['/models/..%2f..%2fpackage.json'],
			['/models/%2e%2e/%2e%2e/package.json'],
			['/models/chunks/..%5c..%5cpackage.json'],
			[`/models/${model}/1.0.0/files/..%2f..%2f..%2fpackage.json`],
			['/models/chunks/%00'],
			['/models/%ff/channel.jws'],
			['/../../etc/passwd'],
			['/..%2f..%2fetc%2fpasswd'],
			['//etc/passwd'],
			['/build/build.json'],
			['/.assetsignore'],
		])('%s is a 404 that says so', async (path) => {
			const { status, type, body } = await raw(edge().url, path)
			expect({ status, type }).toEqual({ status: 404, type: 'application/problem+json' })
			expect(JSON.parse(body).code).toBe('not-found')
		})

		test('the error can be read by pages of any origin', async () => {
			const response = await get('/models/nobody/channel.jws')
			expectOpen(response)
			expect(response.headers.get('cache-control')).toBe('no-store')
			await response.body?.cancel()
		})

		test('another version is named together with the one that is here', async () => {
			const response = await get(`/models/${model}/9.9.9/files/${file}`)
			expect(((await response.json()) as { detail: string }).detail).toContain(manifest.version)
		})
	})

	test('a preflight allows what a page may want to send along', async () => {
		const response = await get(`/models/${model}/channel.jws`, {
			method: 'OPTIONS',
			headers: {
				origin: 'https://app.example.com',
				'access-control-request-method': 'GET',
				'access-control-request-headers': 'authorization, if-none-match, range',
			},
		})
		expect(response.ok).toBe(true)
		expect(response.headers.get('access-control-allow-origin')).toBe('*')
		expect(response.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('if-none-match')
	})

	test('bytes served are counted', async () => {
		const [chunk] = manifest.files[file]?.chunks ?? []
		const sent = async () => {
			const text = await (await get('/metrics', { headers: { authorization: `Bearer ${keys.metrics}` } })).text()
			return Number(/^spillway_sent_bytes_total\{kind="chunk"\} (\d+)$/m.exec(text)?.[1] ?? 0)
		}
		const before = await sent()
		await bytesOf(await get(`/models/chunks/${chunk?.digest}`))
		await expect.poll(sent).toBe(before + (chunk?.size ?? 0))
	})
}

/** A request whose path nobody tidies up on the way. */
function raw(url: string, path: string): Promise<{ status: number | undefined; type: string | undefined; body: string }> {
	const { hostname, port } = new URL(url)
	return new Promise((resolve, reject) => {
		const request = httpRequest({ hostname, port, path, agent: false, timeout: 30_000 }, (response) => {
			let body = ''
			response.setEncoding('utf8').on('data', (text: string) => {
				body += text
			})
			response.on('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'], body }))
		})
		request.on('error', reject).end()
	})
}
