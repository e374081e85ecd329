// A plain static server on loopback, as any host would be, with a log of what was asked and room for faults.

import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { atEnd } from '../fixtures/at-end.ts'

const types: Record<string, string> = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript',
	'.json': 'application/json',
	'.wasm': 'application/wasm',
}

/** Answers a request itself (true), or leaves it to the static server. */
export type Fault = (path: string, response: ServerResponse, request: IncomingMessage) => boolean

export interface Site {
	/** `http://localhost:port`, a secure context. */
	readonly origin: string
	/** Paths that were asked for, in order. */
	readonly asked: string[]
	/** In front of everything; tests set and reset it. */
	fault: Fault | undefined
	/** Stops to answer, as if the network were gone. */
	close(): void
}

export interface SiteOptions {
	/** Address prefix, ending in a slash, to folder; or address to text. */
	readonly mounts: Readonly<Record<string, string | { text: string }>>
	/** Cross-origin isolated pages. Default false. */
	readonly isolated?: boolean
	/** More headers for every response. */
	readonly headers?: Readonly<Record<string, string>>
}

/** Serves folders and texts until the tests of the file are over. */
export async function serveSite({ mounts, isolated = false, headers = {} }: SiteOptions): Promise<Site> {
	const site: Site = { origin: '', asked: [], fault: undefined, close }
	const server = createServer(async (request, response) => {
		const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname))
		site.asked.push(path)
		// As public files are served: to pages of any origin, isolated ones too.
		response.setHeader('Access-Control-Allow-Origin', '*')
		response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
		for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
		if (isolated) {
			response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
			response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
		}
		if (site.fault?.(path, response, request)) return
		const prefix = Object.keys(mounts)
			.filter((one) => path === one || (typeof mounts[one] === 'string' && path.startsWith(one)))
			.sort((a, b) => b.length - a.length)[0]
		const mount = prefix === undefined ? undefined : mounts[prefix]
		response.setHeader('Content-Type', types[extname(path)] ?? (typeof mount === 'object' ? 'text/html' : 'application/octet-stream'))
		if (mount === undefined || prefix === undefined) return response.writeHead(404).end()
		if (typeof mount === 'object') return response.end(mount.text)
		const bytes = await readFile(join(mount, path.slice(prefix.length))).catch(() => null)
		return bytes === null ? response.writeHead(404).end() : response.end(bytes)
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	Object.assign(site, { origin: `http://localhost:${(server.address() as AddressInfo).port}` })
	atEnd(close)
	return site

	function close() {
		server.close()
		server.closeAllConnections()
	}
}
