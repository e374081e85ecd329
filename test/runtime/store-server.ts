// A models address for tests of downloads: a real HTTP server that counts what it sends, and can be cut off in the middle of it.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chunkPath, manifestPath } from '../../models/format/layout.ts'
import { atEnd } from '../fixtures/at-end.ts'
import type { Packed } from './tiny.ts'
import type { Fault } from './tiny-server.ts'

export interface CountingServer {
	readonly base: URL
	/** Paths asked for, in order. */
	readonly asked: string[]
	/** Bytes of bodies that were handed to the network. */
	sent: number
	/** Breaks all connections off as soon as so many bytes have been sent in all; then the next of the list holds. */
	cuts: number[]
	/** In place of the right answer. */
	fault: Fault | undefined
}

/** Bytes written at a time. */
const part = 1024

/** Serves the manifest and the chunks until the tests of the file are over. */
export async function countingServer({ bytes, digest, chunks }: Packed): Promise<CountingServer> {
	const files = new Map([[manifestPath(digest), bytes], ...[...chunks].map(([name, chunk]) => [chunkPath(name), chunk] as const)])
	const site: CountingServer = { base: new URL('http://localhost'), asked: [], sent: 0, cuts: [], fault: undefined }
	const server = createServer(async (request, response) => {
		const path = (request.url ?? '').slice(1)
		site.asked.push(path)
		const body = files.get(path)
		if (site.fault) return site.fault(response, request, body)
		if (!body) return response.writeHead(404).end()
		response.writeHead(200, { 'content-length': body.length, 'cache-control': 'no-store' })
		for (let start = 0; start < body.length && !response.destroyed; start += part) {
			const piece = body.subarray(start, start + part)
			await new Promise<void>((sent) => response.write(piece, () => sent()))
			site.sent += piece.length
			if (site.sent < (site.cuts[0] ?? Number.POSITIVE_INFINITY)) continue
			site.cuts.shift()
			server.closeAllConnections()
		}
		response.end()
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	atEnd(() => {
		server.close()
		server.closeAllConnections()
	})
	return Object.assign(site, { base: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`) })
}
