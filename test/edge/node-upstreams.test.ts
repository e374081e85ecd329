// Overflow from an edge to its upstreams, which are edges themselves: real servers of the Open Inference Protocol.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EdgeConfigInput } from '../../edge/config/schema.ts'
import { type EmbedOutput, spaceOf } from '../../runtime/core/call.ts'
import { context, edgeAt } from './harness/minilm.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { call, keys, problemOf, suiteConfig, suiteModels } from './suites/under-test.ts'

let packed: PackedFolder
let gpu: RunningNode
beforeAll(async () => {
	packed = await packModels(suiteModels())
	gpu = await startNode({ config: suiteConfig, models: packed.folder })
})
afterAll(async () => {
	await gpu?.close()
	await packed?.remove()
})

type Upstream = Extract<NonNullable<EdgeConfigInput['upstreams']>[number], { kind: 'oip' }>

const upstream = (more: Partial<Upstream> = {}): Upstream => ({
	name: 'gpu-a',
	kind: 'oip',
	url: gpu.url,
	key: { env: 'GPU_KEY' },
	models: { m: { variant: 'fp32' }, tiny: {} },
	...more,
})

/** An edge whose models are `m` and `tiny`. */
async function withEdge(
	{ models = { m: {}, tiny: {} }, upstreams }: EdgeConfigInput,
	use: (edge: RunningNode) => Promise<void>,
	secrets: Record<string, string> = { GPU_KEY: keys.secret },
): Promise<void> {
	const edge = await startNode({ config: { ...suiteConfig, models, upstreams }, models: packed.folder, secrets, until: 'listening' })
	try {
		await use(edge)
	} finally {
		await edge.close()
	}
}

const texts = ['hello world', 'how are you', 'red']
const embed = (edge: RunningNode) =>
	edgeAt(edge.url).infer({ kind: 'task', model: { name: 'm' }, task: 'embed', input: texts }, { ...context(), retries: { left: 1 } })

describe('an edge that runs nothing itself', () => {
	const models = { m: { inProcess: false }, tiny: { inProcess: false } }

	test('has texts and tensors answered by its upstream, and says so', async () => {
		await withEdge({ models, upstreams: [upstream({ accelerator: 'gpu' })] }, async (edge) => {
			const answer = await embed(edge)
			expect(answer.ran).toMatchObject({
				executor: 'gpu-a',
				accelerator: 'gpu',
				hops: 2,
				overflow: [],
				space: spaceOf('m', packed.models.m?.digest as string, 'fp32'),
			})
			const own = await embed(gpu)
			expect((answer.output as EmbedOutput).vectors).toEqual((own.output as EmbedOutput).vectors)
			expect((answer.output as EmbedOutput).tokens).toBe((own.output as EmbedOutput).tokens)
		})
	})

	test('is ready when its upstream is', async () => {
		await withEdge({ models, upstreams: [upstream()] }, async (edge) => {
			expect((await call({ url: edge.url, space: '' }, '/v2/health/ready')).status).toBe(200)
		})
		await withEdge({ models, upstreams: [upstream({ url: 'http://127.0.0.1:9' })] }, async (edge) => {
			expect((await call({ url: edge.url, space: '' }, '/v2/health/ready')).status).toBe(503)
		})
	})

	test('that is its own upstream says that it is not ready, and does not ask in circles', async () => {
		// A door in front counts what the edge asks of itself.
		let asked = 0
		let target = ''
		const door = createServer(async (request, response) => {
			asked++
			try {
				const answer = await fetch(target + request.url, { headers: { 'spillway-hops': String(request.headers['spillway-hops']) } })
				response.writeHead(answer.status).end(await answer.text())
			} catch {
				response.destroy()
			}
		}).listen(0, '127.0.0.1')
		await once(door, 'listening')
		const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`
		try {
			await withEdge({ models, upstreams: [upstream({ url })] }, async (edge) => {
				target = edge.url
				expect((await call({ url: edge.url, space: '' }, '/v2/health/ready')).status).toBe(503)
				expect(asked).toBeLessThan(10)
			})
		} finally {
			door.closeAllConnections()
			door.close()
		}
	})

	test('never asks an upstream of another space, or of an unknown one, for vectors', async () => {
		await withEdge({ models, upstreams: [upstream({ models: { m: {}, tiny: {} } })] }, async (edge) => {
			await expect(embed(edge)).rejects.toMatchObject({ code: expect.stringMatching(/unsupported|unavailable/) })
		})
	})

	test('passes on to the next upstream when the first is down, and says so', async () => {
		const upstreams = [upstream({ url: 'http://127.0.0.1:9' }), upstream({ name: 'gpu-b' })]
		await withEdge({ models, upstreams }, async (edge) => {
			const { ran } = await embed(edge)
			expect(ran).toMatchObject({ executor: 'gpu-b', overflow: [{ executor: 'gpu-a', reason: 'unhealthy' }] })
		})
	})

	test('whose key the upstream refuses does not blame the caller’s', async () => {
		await withEdge(
			{ models, upstreams: [upstream()] },
			async (edge) => {
				const response = await call({ url: edge.url, space: '' }, '/v1/tasks/embed', {
					key: keys.secret,
					json: { model: 'm', input: texts },
				})
				expect(response.status).toBe(502)
				expect((await problemOf(response)).code).toBe('upstream')
			},
			{ GPU_KEY: 'wrong' },
		)
	})

	test('whose key is not set says which one', async () => {
		await withEdge(
			{ models, upstreams: [upstream()] },
			async (edge) => {
				await expect(embed(edge)).rejects.toMatchObject({ message: expect.stringContaining('GPU_KEY') })
			},
			{},
		)
	})
})

describe('an edge that runs models itself', () => {
	test('keeps what it can do', async () => {
		await withEdge({ upstreams: [upstream()] }, async (edge) => {
			await expect.poll(async () => (await embed(edge)).ran.executor).toBe('edge')
		})
	})

	test('lets overflow what is too large for it, with the reason', async () => {
		await withEdge({ models: { m: { tokensPerRun: 2 }, tiny: {} }, upstreams: [upstream()] }, async (edge) => {
			await expect
				.poll(async () => (await embed(edge)).ran)
				.toMatchObject({
					executor: 'gpu-a',
					overflow: [{ executor: 'edge', reason: 'unsupported', detail: expect.stringContaining('limit is 2') }],
				})
			const metrics = await (await call({ url: edge.url, space: '' }, '/metrics', { key: keys.metrics })).text()
			expect(metrics).toMatch(/spillway_overflow_total\{model="m",executor="edge",reason="unsupported"\} \d/)
		})
	})
})

test('two edges that are each other’s upstream do not go round in circles', async () => {
	const models = { tiny: { inProcess: false } }
	const first = await startNode({
		config: { ...suiteConfig, models, upstreams: [upstream({ models: { tiny: {} } })] },
		models: packed.folder,
		secrets: { GPU_KEY: keys.secret },
		until: 'listening',
	})
	// The second must know the first one's address, and the first the second's: it is started again with it, on the same port.
	await withEdge({ models, upstreams: [upstream({ url: first.url, models: { tiny: {} } })] }, async (second) => {
		const { port } = new URL(first.url)
		await first.close()
		const looped = await startNode({
			config: { ...suiteConfig, models, server: { port: Number(port) }, upstreams: [upstream({ url: second.url, models: { tiny: {} } })] },
			models: packed.folder,
			secrets: { GPU_KEY: keys.secret },
			port: Number(port),
			until: 'listening',
		})
		try {
			const response = await call({ url: looped.url, space: '' }, '/v2/models/tiny/infer', {
				key: keys.secret,
				json: { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] },
			})
			expect(response.status).toBeGreaterThanOrEqual(400)
			expect((await response.json()) as { detail: string }).toMatchObject({ detail: expect.stringContaining('hops') })
			const metrics = await (await call({ url: second.url, space: '' }, '/metrics', { key: keys.metrics })).text()
			const asked = Number(/spillway_http_requests_total\{route="\/v2\/models\/:name\/infer"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0)
			expect(asked).toBeGreaterThan(0)
			expect(asked).toBeLessThanOrEqual(4)
		} finally {
			await looped.close()
		}
	})
})
