// The shipped model on workerd: right, the same as on Node, and loaded once whoever leaves.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { compare } from '../../edge/versions/compare.ts'
import { descriptionSchema } from '../../models/format/manifest.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { agreement, context, edgeAt, embed, references } from './harness/minilm.ts'
import { minilmSource, type PackedFolder, packModels } from './harness/models.ts'
import { startNode } from './harness/node.ts'
import { type RunningWorkerd, startWorkerd } from './harness/workerd.ts'
import { keys, suiteConfig } from './suites/under-test.ts'

// A model of this size on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const config = { ...suiteConfig, models: { minilm: {} }, limits: {} }
const texts = references.map(({ text }) => text)

let packed: PackedFolder
let edge: RunningWorkerd
beforeAll(async () => {
	packed = await packModels([minilmSource])
	edge = await startWorkerd({ config, models: packed.folder, until: 'listening' })
})
afterAll(async () => {
	await edge?.close()
	await packed?.remove()
})

describe('minilm on workerd', () => {
	// First: nothing is loaded yet.
	test('clients that leave while it loads do not keep the next one waiting', async () => {
		for (const wait of [0, 50, 100, 200]) await leaveAfter(wait)
		const [vector] = await embed(edgeAt(edge.url), ['Is anybody there?'])
		expect(vector).toHaveLength(384)
	})

	test('agrees with the fp32 model on all reference texts, and with Node within the tolerance of the manifest', async () => {
		const vectors = await embed(edgeAt(edge.url), texts)
		const { mean, least } = agreement(
			vectors,
			references.map(({ vector }) => vector),
		)
		expect(mean).toBeGreaterThanOrEqual(0.998)
		expect(least).toBeGreaterThanOrEqual(0.985)

		const node = await startNode({ config, models: packed.folder })
		try {
			expect(agreement(vectors, await embed(edgeAt(node.url), texts)).least).toBeGreaterThanOrEqual(0.999)
			await agreesInTensors(node.url)
		} finally {
			await node.close()
		}
	})

	test('a call beside a longer one is answered first; one whose client has left is given up', async () => {
		const executor = edgeAt(edge.url)
		const began = performance.now()
		const long = embed(executor, texts).then(() => performance.now() - began)
		await new Promise((resolve) => setTimeout(resolve, 50))
		const short = embed(executor, ['beside']).then(() => performance.now() - began)
		expect(await short).toBeLessThan(await long)

		await leaveAfter(200, texts)
		const then = performance.now()
		await embed(executor, ['next'])
		expect(performance.now() - then).toBeLessThan(await long)
	})

	test('calls that share runs and rows with one whose client leaves are answered all the same', async () => {
		const executor = edgeAt(edge.url)
		for (const wait of [20, 100, 300]) {
			// New ones each time: what is being computed for the first is what the others wait for.
			const shared = texts.slice(0, 40).map((text) => `${wait} ${text}`)
			const leaving = leaveAfter(wait, shared)
			const others = [shared, shared.slice(5, 10), [`${wait}, a text of its own`]].map(
				async (input) => (await embed(executor, input)).length,
			)
			await leaving
			expect(await Promise.all(others)).toEqual([40, 5, 1])
		}
	})

	test('tells no times, for the clocks of deployed Workers stand still while the CPU works', async () => {
		const { ran } = await edgeAt(edge.url).infer(
			{ kind: 'task', model: { name: 'minilm' }, task: 'embed', input: ['hello'] },
			{
				remaining: 30_000,
				signal: new AbortController().signal,
				hops: 0,
				retries: { left: 0 },
				trace: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`,
			},
		)
		expect(ran).toMatchObject({ executor: 'edge', provider: 'wasm', queue: null, run: null, hops: 1, variant: 'int8' })
	})
})

/** The same tensors on workerd and on Node: within the tolerance of both graphs, and each answer names the variant and what ran it. */
async function agreesInTensors(node: string): Promise<void> {
	const { variants } = descriptionSchema.parse(JSON.parse(await readFile(join(minilmSource, 'model.json'), 'utf8')))
	for (const { ids } of references.slice(0, 10)) {
		const tensors = {
			input_ids: tensor('INT64', [1, ids.length], BigInt64Array.from(ids, BigInt)),
			attention_mask: tensor('INT64', [1, ids.length], new BigInt64Array(ids.length).fill(1n)),
		}
		const call = { kind: 'tensors' as const, model: { name: 'minilm' }, tensors }
		const here = await edgeAt(edge.url).infer(call, context())
		const there = await edgeAt(node).infer(call, context())
		expect(here.ran).toMatchObject({ executor: 'edge', provider: 'wasm', variant: 'int8' })
		expect(there.ran).toMatchObject({ executor: 'edge', provider: 'cpu', variant: 'int8', space: here.ran.space })
		for (const provider of ['wasm', 'cpu'] as const) {
			const tolerance = variants.int8?.graphs[provider]?.tolerance
			expect(compare(here.output, there.output, tolerance ?? {})).toMatchObject({ same: true })
		}
	}
}

/** Asks for vectors, and resets the connection: workerd takes a mere end for a client that still listens. */
async function leaveAfter(wait: number, input = ['I shall not wait.']): Promise<void> {
	const { hostname, port } = new URL(edge.url)
	const body = Buffer.from(JSON.stringify({ model: 'minilm', input }))
	const socket = connect(Number(port), hostname)
	await once(socket, 'connect')
	socket.on('error', () => {})
	socket.write(
		`POST /v1/tasks/embed HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${keys.secret}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
	)
	socket.write(body)
	await new Promise((resolve) => setTimeout(resolve, wait))
	socket.resetAndDestroy()
	await once(socket, 'close')
}
