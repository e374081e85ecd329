// A plain static host: what a bucket or a web server does with a folder of packed models.

import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'

export interface StaticHost {
	readonly url: string
	close(): Promise<void>
}

/** Serves the files under `folder` to pages of any origin. */
export async function staticHost(folder: string): Promise<StaticHost> {
	const server: Server = createServer(async (request, response) => {
		response.setHeader('access-control-allow-origin', '*')
		try {
			const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname))
			response.end(await readFile(join(folder, path)))
		} catch {
			response.writeHead(404).end()
		}
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve())
				server.closeAllConnections()
			}),
	}
}
