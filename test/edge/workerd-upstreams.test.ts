// Upstreams of an edge on workerd: an edge on Node, as a server of the Open Inference Protocol and of others, and a server of OpenAI's
// interface.

import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EmbedOutput } from '../../runtime/core/call.ts'
import { type ChatServer, startChatServer } from './harness/chat-server.ts'
import { context, edgeAt } from './harness/minilm.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { type RunningWorkerd, startWorkerd } from './harness/workerd.ts'
import { chatConfig, chatSecrets, chatSuite } from './suites/chat.ts'
import { mappedConfig, mappedSecrets, mappedSuite } from './suites/mapped.ts'
import { keys, suiteConfig, suiteModels } from './suites/under-test.ts'

let packed: PackedFolder
let gpu: RunningNode
let server: ChatServer
let edge: RunningWorkerd
beforeAll(async () => {
	packed = await packModels(suiteModels())
	server = await startChatServer()
	const chat = chatConfig(server.url)
	gpu = await startNode({ config: suiteConfig, models: packed.folder })
	const mapped = mappedConfig(gpu.url)
	edge = await startWorkerd({
		config: {
			...suiteConfig,
			models: { ...chat.models, ...mapped.models, m: { tokensPerRun: 4 }, tiny: { inProcess: false } },
			upstreams: [
				{ name: 'gpu-a', kind: 'oip', url: gpu.url, key: { env: 'GPU_KEY' }, models: { m: { variant: 'fp32' }, tiny: {} } },
				...chat.upstreams,
				...mapped.upstreams,
			],
		},
		models: packed.folder,
		secrets: { ...mappedSecrets, ...chatSecrets },
		// Not all models get ready: of one all upstreams are down.
		until: 'listening',
	})
	while (!(await fetch(`${edge.url}/v2/models/m/ready`)).ok) await setTimeout(100)
})
afterAll(async () => {
	await edge?.close()
	await gpu?.close()
	await server?.close()
	await packed?.remove()
})

const embed = (url: string, input: string[]) =>
	edgeAt(url).infer({ kind: 'task', model: { name: 'm' }, task: 'embed', input }, { ...context(), retries: { left: 1 } })

test('what is too large for the object goes on, with the reason, and comes back the same', async () => {
	const input = ['hello world how are you', 'red green blue']
	const answer = await embed(edge.url, input)
	expect(answer.ran).toMatchObject({ executor: 'gpu-a', hops: 2, overflow: [{ executor: 'edge' }] })
	expect((answer.output as EmbedOutput).vectors).toEqual(((await embed(gpu.url, input)).output as EmbedOutput).vectors)
})

test('what fits stays, once the object has been seen loaded', async () => {
	await expect.poll(async () => (await embed(edge.url, ['red'])).ran.executor).toBe('edge')
})

test('a model that runs only upstream answers', async () => {
	const response = await fetch(`${edge.url}/v2/models/tiny/infer`, {
		method: 'POST',
		headers: { authorization: `Bearer ${keys.secret}` },
		body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] }),
	})
	expect(response.status).toBe(200)
	expect(await response.json()).toMatchObject({ outputs: [{ name: 'y', data: [30, 300, 3000] }] })
})

describe('a declared mapping', () => mappedSuite(() => edge))

describe('chat completions', () =>
	chatSuite(
		() => edge,
		() => server,
	))
