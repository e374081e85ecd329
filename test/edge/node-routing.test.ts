// Texts over several upstreams that are edges themselves: large calls divided, rows of different calls together.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EdgeConfigInput } from '../../edge/config/schema.ts'
import type { EmbedOutput } from '../../runtime/core/call.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { context, edgeAt } from './harness/minilm.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { keys, suiteConfig, suiteModels } from './suites/under-test.ts'

let packed: PackedFolder
let gpus: RunningNode[]
beforeAll(async () => {
	packed = await packModels(suiteModels().slice(0, 1))
	const config = { ...suiteConfig, container: {}, models: { m: {} } }
	gpus = await Promise.all([1, 2].map(() => startNode({ config, models: packed.folder })))
})
afterAll(async () => {
	await Promise.all((gpus ?? []).map((gpu) => gpu.close()))
	await packed?.remove()
})

type Routing = NonNullable<NonNullable<EdgeConfigInput['models']>[string]['routing']>

async function withEdge(routing: Routing, use: (edge: RunningNode) => Promise<void>, urls = gpus.map(({ url }) => url)): Promise<void> {
	const upstreams = urls.map((url, at) => ({
		...{ name: `gpu-${at}`, kind: 'oip' as const, url, key: { env: 'GPU_KEY' } },
		models: { m: { variant: 'fp32' } },
	}))
	const config = { ...suiteConfig, container: {}, models: { m: { inProcess: false, routing } }, upstreams }
	const edge = await startNode({ config, models: packed.folder, secrets: { GPU_KEY: keys.secret } })
	try {
		await use(edge)
	} finally {
		await edge.close()
	}
}

const words = ['red', 'green', 'blue', 'hello world', 'how are you']
const texts = Array.from({ length: 40 }, (_, at) => `${words[at % 5]} ${words[at % 3]}`)
const embed = (edge: RunningNode, input: string[]) =>
	edgeAt(edge.url).infer({ kind: 'task', model: { name: 'm' }, task: 'embed', input }, { ...context(), retries: { left: 1 } })
const vectors = async (edge: RunningNode, input: string[]) => ((await embed(edge, input)).output as EmbedOutput).vectors

test('a large call is divided, and answered as if it had not been', async () => {
	await withEdge({ split: 16 }, async (edge) => {
		const { output, ran } = await embed(edge, texts)
		expect(ran.executor).toBe('gpu-0+gpu-1')
		expect(ran.parts?.map(({ rows }) => rows).reduce((a, b) => a + b)).toBe(texts.length)
		const whole = await vectors(gpus[0] as RunningNode, texts)
		const divided = (output as EmbedOutput).vectors
		expect(divided).toHaveLength(whole.length)
		for (const [at, vector] of divided.entries())
			for (const [axis, value] of vector.entries()) expect(value).toBeCloseTo(whole[at]?.[axis] as number, 5)
		expect((await embed(edge, texts.slice(0, 4))).ran.parts).toBeUndefined()
	})
})

/** The server at an address, which answers everything so much later. */
async function delayed(url: string, milliseconds: number): Promise<string> {
	const server = createServer(async (request, response) => {
		const body = Buffer.concat(await request.toArray())
		await sleep(milliseconds)
		const { method = 'GET', headers } = request
		const sent = { ...headers, host: undefined, connection: undefined } as unknown as HeadersInit
		const answer = await fetch(url + request.url, { method, headers: JSON.parse(JSON.stringify(sent)), ...(body.length > 0 && { body }) })
		response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()))
	})
	server.listen(0, '127.0.0.1')
	await once(server, 'listening')
	atEnd(() => server.close())
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('rows of different calls share runs where that is asked for', async () => {
	// While the first ones are under way, the others come together.
	const slow = await Promise.all(gpus.map(({ url }) => delayed(url, 100)))
	const joined = async (edge: RunningNode) => {
		const answers = await Promise.all(texts.map((text) => embed(edge, [text])))
		expect(Math.max(...answers.map(({ ran }) => ran.batch ?? 0))).toBeGreaterThan(1)
		const whole = await vectors(gpus[0] as RunningNode, texts)
		for (const [at, { output }] of answers.entries()) {
			const [vector] = (output as EmbedOutput).vectors
			for (const [axis, value] of (vector as Float32Array).entries()) expect(value).toBeCloseTo(whole[at]?.[axis] as number, 5)
		}
	}
	await withEdge({ batch: { rows: 8 } }, joined, slow)
})
