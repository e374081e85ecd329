// How the edge on Node sends requests: over connections that are kept, as `fetch` would answer them, and to whom its certificates say.

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { connectionPool, type PoolOptions } from '../../edge/platform/node/pool.ts'
import { readTls } from '../../edge/platform/node/tls.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
	for (const close of closing.splice(0)) await close()
})

const at = (name: string) => ({ file: fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url)) })
const pem = (files: Parameters<typeof readTls>[0]) => readTls(files, {}, 'tls')

async function listen(server: Server): Promise<string> {
	server.listen(0, '127.0.0.1')
	await once(server, 'listening')
	closing.push(() => {
		server.closeAllConnections()
		server.close()
	})
	return `http${'setSecureContext' in server ? 's' : ''}://localhost:${(server.address() as AddressInfo).port}`
}

const serving = (listener: RequestListener) => listen(createServer(listener))

function poolOf(options?: PoolOptions) {
	const pool = connectionPool(options)
	closing.push(() => pool.close())
	return pool.fetch
}

test('answers as fetch does: status, headers, body, however it is read', async () => {
	const url = await serving((request, response) => {
		response.writeHead(request.url === '/no' ? 404 : 200, { 'x-path': `${request.method} ${request.url}`, 'set-cookie': ['a=1', 'b=2'] })
		request.pipe(response)
	})
	const fetch = poolOf()
	const post = (path: string) =>
		fetch(`${url}${path}`, { method: 'POST', headers: { 'x-a': 'b' }, body: new TextEncoder().encode('{"a":"ä"}') })
	const response = await post('/a/b?c=d')
	expect(response).toMatchObject({ status: 200, ok: true })
	expect(response.headers.get('X-Path')).toBe('POST /a/b?c=d')
	expect(response.headers.get('set-cookie')).toBe('a=1, b=2')
	expect(response.headers.get('x-none')).toBe(null)
	expect(await response.json()).toEqual({ a: 'ä' })
	expect(await (await post('/no')).text()).toBe('{"a":"ä"}')
	expect((await post('/no')).ok).toBe(false)
	const chunks = []
	for await (const chunk of (await post('/')).body as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk)
	expect(Buffer.concat(chunks).toString()).toBe('{"a":"ä"}')
	expect((await (await fetch(url, {})).arrayBuffer()).byteLength).toBe(0)
	const read = await post('/')
	await read.text()
	await expect(read.text()).rejects.toThrow('read already')
})

test('what has ended can still be read, or not be wanted', async () => {
	const url = await serving((_, response) => response.setHeader('x-a', 'b').end('all of it'))
	const fetch = poolOf()
	const [read, streamed, unwanted] = [await fetch(url, {}), await fetch(url, {}), await fetch(url, {})]
	// Small enough to be there whole.
	await new Promise((resolve) => setTimeout(resolve, 100))
	expect([await read.text(), read.headers.get('x-a'), read.status]).toEqual(['all of it', 'b', 200])
	expect(Buffer.concat(await Array.fromAsync(streamed.body as unknown as AsyncIterable<Uint8Array>)).toString()).toBe('all of it')
	await unwanted.body?.cancel()
	expect(await (await fetch(url, {})).text()).toBe('all of it')
})

test('keeps connections, and has no more than it may', async () => {
	const ports = new Set<number>()
	let [now, most] = [0, 0]
	const url = await serving(async (request, response) => {
		ports.add(request.socket.remotePort as number)
		most = Math.max(most, ++now)
		await new Promise((resolve) => setTimeout(resolve, 5))
		now--
		response.end('ok')
	})
	const fetch = poolOf({ connections: 3 })
	await Promise.all(Array.from({ length: 20 }, async () => (await fetch(url, {})).text()))
	expect(most).toBe(3)
	expect(ports.size).toBe(3)
})

describe('what ends too early', () => {
	test('nobody listens', async () => {
		await expect(poolOf()('http://127.0.0.1:9', {})).rejects.toThrow(/ECONNREFUSED/)
	})

	test('cut before the head, and in the middle of the body', async () => {
		const url = await serving((request, response) => {
			if (request.url === '/head') response.destroy()
			else {
				response.writeHead(200, { 'content-length': 100 })
				response.write('half', () => response.destroy())
			}
		})
		const fetch = poolOf()
		await expect(fetch(`${url}/head`, {})).rejects.toThrow(/closed/)
		await expect((await fetch(`${url}/body`, {})).text()).rejects.toThrow(/closed|terminated/)
		const reader = (await fetch(`${url}/body`, {})).body?.getReader()
		await expect(
			(async () => {
				while (!(await reader?.read())?.done);
			})(),
		).rejects.toThrow(/closed|terminated/)
	})

	test('given up: before it is sent, while it waits for a connection, before the head, in the body; the server notices', async () => {
		let [come, gone] = [0, 0]
		const url = await serving((request, response) => {
			come++
			response.on('close', () => gone++)
			if (request.url === '/body') response.write('some')
		})
		const fetch = poolOf({ connections: 1 })
		const reason = new Error('not wanted')
		await expect(fetch(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
		const [first, second] = [new AbortController(), new AbortController()]
		const hanging = fetch(url, { signal: first.signal })
		const waiting = fetch(url, { signal: second.signal })
		second.abort(reason)
		await expect(waiting).rejects.toBe(reason)
		await expect.poll(() => come).toBe(1)
		first.abort(reason)
		await expect(hanging).rejects.toBe(reason)
		const third = new AbortController()
		const response = await fetch(`${url}/body`, { signal: third.signal })
		const text = response.text()
		third.abort(reason)
		await expect(text).rejects.toBe(reason)
		await (await fetch(`${url}/body`, {})).body?.cancel()
		await expect.poll(() => gone).toBe(3)
	})
})

test('a body is taken in no faster than it is read', async () => {
	let sent = 0
	const chunk = Buffer.alloc(64 * 1024)
	const url = await serving((_, response) => {
		response.on('drain', () => {
			sent += chunk.length
			response.write(chunk)
		})
		response.write(chunk)
	})
	const response = await poolOf()(url, {})
	await new Promise((resolve) => setTimeout(resolve, 300))
	const before = sent
	await new Promise((resolve) => setTimeout(resolve, 200))
	// What fits into the buffers of the system, and no more.
	expect(sent).toBe(before)
	const reader = response.body?.getReader()
	for (let read = 0; read < before + 1_000_000; ) read += (await reader?.read())?.value?.byteLength ?? Number.NaN
	expect(sent).toBeGreaterThan(before)
	await reader?.cancel()
})

describe('certificates', () => {
	const secure = (more = {}) =>
		listen(createTlsServer({ ...pem({ cert: at('server.pem'), key: at('server.key') }), ...more }, (_, response) => response.end('ok')))
	const mutual = () => secure({ ...pem({ ca: at('ca.pem') }), requestCert: true, rejectUnauthorized: true })

	test('a server whose authority is not known is not asked', async () => {
		await expect(poolOf()(await secure(), {})).rejects.toThrow(/unable to verify|self-signed|certificate/)
	})

	test('one whose authority is named is, and one that asks for a certificate gets it', async () => {
		const ca = at('ca.pem')
		expect(await (await poolOf({ tls: pem({ ca }) })(await secure(), {})).text()).toBe('ok')
		await expect(poolOf({ tls: pem({ ca }) })(await mutual(), {})).rejects.toThrow()
		const own = pem({ ca, cert: at('client.pem'), key: at('client.key') })
		expect(await (await poolOf({ tls: own })(await mutual(), {})).text()).toBe('ok')
	})

	test('what cannot be read is told with its place', () => {
		expect(() => readTls({ ca: { file: 'nowhere.pem' } }, {}, 'upstreams.gpu.tls')).toThrow(
			/^upstreams\.gpu\.tls\.ca: cannot be read: .*nowhere\.pem/,
		)
		expect(() => readTls({ ca: { env: 'CA' } }, {}, 'tls')).toThrow(/CA is not set/)
		expect(() => readTls({ ca: { env: 'CA' } }, { CA: 'x' }, 'tls')).toThrow('tls.ca: CA holds no PEM')
		expect(readTls({ ca: { env: 'CA' } }, { CA: '-----BEGIN CERTIFICATE-----' }, 'tls')).toEqual({ ca: '-----BEGIN CERTIFICATE-----' })
	})
})
