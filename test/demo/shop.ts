// The demo as `npm start` serves it: an edge with the shipped model, behind a door that tests can watch, hold and shut.

import { createHash } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../edge/config/load.ts'
import { serve } from '../../edge/node.ts'
import { atEnd } from '../fixtures/at-end.ts'

const dist = join(import.meta.dirname, '../../dist')

export const key = 'pk_demo_of_the_tests'

export interface Shop {
	/** A secure context: `http://localhost:port`. */
	readonly origin: string
	/** Paths that were asked for, in order. */
	readonly asked: string[]
	/** Folder of the built page, a copy: tests may change it. */
	readonly page: string
	/** Keeps requests for these paths waiting until `release`. */
	hold(paths: RegExp): void
	release(): void
	/** Breaks all connections and takes no more, as if the network were gone. */
	shut(): void
}

/**
 * Opens the shop until the tests of the file are over.
 *
 * @param models folder of the packed models that it serves. Default: the build's.
 */
export async function openShop(models = join(dist, 'packed')): Promise<Shop> {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-demo-'))
	for (const part of ['demo', 'script', 'docs']) await cp(join(dist, part), join(folder, part), { recursive: true })
	const hash = createHash('sha256').update(key).digest('hex')
	const edge = await serve({
		config: loadConfig({ file: { keys: [{ id: 'demo', hash, kind: 'publishable', loopback: true, servers: true }] } }),
		environment: {},
		port: 0,
		stateDir: join(folder, 'state'),
		modelsDir: models,
		pagesDir: folder,
		demoKey: key,
	})
	await edge.ready()

	const { port } = new URL(edge.url)
	const sockets = new Set<Socket>()
	const asked: string[] = []
	let held: RegExp | undefined
	let waiting: (() => void)[] = []
	const door = createServer((incoming, outgoing) => {
		const path = incoming.url ?? '/'
		asked.push(path)
		const pass = () => {
			const { method, headers } = incoming
			const inner = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
				outgoing.writeHead(response.statusCode ?? 502, response.headers)
				response.pipe(outgoing)
			})
			inner.on('error', () => outgoing.destroy())
			incoming.pipe(inner)
		}
		if (held?.test(path)) waiting.push(pass)
		else pass()
	})
	door.on('connection', (socket) => {
		sockets.add(socket)
		socket.on('close', () => sockets.delete(socket))
	})
	await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))

	const shut = () => {
		door.close()
		for (const socket of sockets) socket.destroy()
	}
	atEnd(async () => {
		shut()
		await edge.close()
		await rm(folder, { recursive: true })
	})
	return {
		origin: `http://localhost:${(door.address() as AddressInfo).port}`,
		asked,
		page: join(folder, 'demo'),
		hold(paths) {
			held = paths
		},
		release() {
			held = undefined
			for (const pass of waiting) pass()
			waiting = []
		},
		shut,
	}
}
