// How the edge on Node ends: what is under way is answered, what is idle is not waited for, what hangs is cut.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { temporaryFolder } from './harness/folder.ts'
import { edgeAt, embed, references } from './harness/minilm.ts'
import { minilmSource, type PackedFolder, packModels } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { keys, suiteConfig } from './suites/under-test.ts'

// A model of this size on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const folder = temporaryFolder()
const config = { ...suiteConfig, models: { minilm: {} }, limits: {} }
const texts = references.slice(0, 40).map(({ text }) => text)

/** The promise is 3 s; on a busy machine a test may take longer. */
const ceiling = 10_000

let packed: PackedFolder
beforeAll(async () => {
	packed = await packModels([minilmSource])
})
afterAll(() => packed?.remove())

const start = () => startNode({ config, models: packed.folder, state: join(folder.path, 'state') })

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
	test('with an idle connection and a request in flight: it is answered, and the process ends', async () => {
		const edge = await start()
		const idle = await idleConnection(edge)
		let answered = false
		const answer = embed(edgeAt(edge.url), texts).finally(() => {
			answered = true
		})
		await inFlight(edge)
		const began = performance.now()
		edge.child.process.kill(signal)
		expect(answered).toBe(false)
		expect(await answer).toHaveLength(texts.length)
		expect(await edge.child.exited).toBe(0)
		expect(performance.now() - began).toBeLessThan(ceiling)
		idle.destroy()
		await edge.close()
	})
})

test('a request that never ends does not hold the process', async () => {
	const edge = await start()
	const socket = await post(edge, 'Content-Length: 1000\r\n\r\n{"model":')
	const began = performance.now()
	edge.child.process.kill('SIGTERM')
	expect(await edge.child.exited).toBe(0)
	expect(performance.now() - began).toBeLessThan(ceiling)
	socket.destroy()
	await edge.close()
})

test('a second signal while it ends changes nothing', async () => {
	const edge = await start()
	const answer = embed(edgeAt(edge.url), texts)
	await inFlight(edge)
	edge.child.process.kill('SIGTERM')
	await new Promise((resolve) => setTimeout(resolve, 30))
	edge.child.process.kill('SIGINT')
	expect(await answer).toHaveLength(texts.length)
	await edge.close()
})

/** A connection that was used, and is kept alive. */
async function idleConnection({ url }: RunningNode): Promise<Socket> {
	const { hostname, port } = new URL(url)
	const socket = connect(Number(port), hostname)
	socket.on('error', () => {})
	socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
	await once(socket, 'data')
	return socket
}

async function post({ url }: RunningNode, rest: string): Promise<Socket> {
	const { hostname, port } = new URL(url)
	const socket = connect(Number(port), hostname)
	socket.on('error', () => {})
	await once(socket, 'connect')
	socket.write(
		`POST /v1/tasks/embed HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${keys.secret}\r\nContent-Type: application/json\r\n${rest}`,
	)
	await new Promise((resolve) => setTimeout(resolve, 100))
	return socket
}

/** Waits until the edge counts a call under way: its own request for the figures is the other one. */
async function inFlight({ url }: RunningNode): Promise<void> {
	await expect
		.poll(
			async () => {
				const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${keys.metrics}` } })
				return Number(/^spillway_http_requests_in_flight (\d+)$/m.exec(await response.text())?.[1])
			},
			{ interval: 5, timeout: 5_000 },
		)
		.toBe(2)
}
