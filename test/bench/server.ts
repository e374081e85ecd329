// A plain static server for the pages under measurement: isolated, uncached unless asked, and it counts bytes.

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

const types: Record<string, string> = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript',
	'.mjs': 'text/javascript',
	'.json': 'application/json',
	'.wasm': 'application/wasm',
}

export interface StaticServer {
	origin: string
	/** Bytes of bodies sent since the last `take`. */
	take(): number
	close(): Promise<void>
}

/**
 * Serves folders and texts on loopback.
 * @param mounts address prefix (ending in "/") to folder, or address to the text itself.
 */
export async function serveStatic(mounts: Record<string, string | { text: string }>): Promise<StaticServer> {
	let sent = 0
	const server = createServer(async (request, response) => {
		const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname))
		response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
		response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
		response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream')
		// Immutable as a careful host would serve them: a warm start then costs every contender no network.
		response.setHeader(
			'Cache-Control',
			path.endsWith('.jws') || path.endsWith('.html') ? 'no-cache' : 'public, max-age=31536000, immutable',
		)
		const mount = Object.keys(mounts)
			.filter((prefix) => path === prefix || (prefix.endsWith('/') && path.startsWith(prefix)))
			.sort((a, b) => b.length - a.length)[0]
		const target = mount === undefined ? undefined : mounts[mount]
		if (target === undefined || mount === undefined) return response.writeHead(404).end()
		if (typeof target === 'object') {
			sent += target.text.length
			return response.end(target.text)
		}
		const file = join(target, path.slice(mount.length))
		const info = await stat(file).catch(() => null)
		if (!info?.isFile()) return response.writeHead(404).end()
		sent += info.size
		response.setHeader('Content-Length', info.size)
		createReadStream(file).pipe(response)
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	return {
		origin: `http://localhost:${(server.address() as AddressInfo).port}`,
		take: () => {
			const taken = sent
			sent = 0
			return taken
		},
		close: () =>
			new Promise((resolve) => {
				server.closeAllConnections()
				server.close(() => resolve())
			}),
	}
}
