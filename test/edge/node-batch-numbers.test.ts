// Rows of different callers that shared a run on an upstream, one of which has no number for an answer: only its own caller is refused.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, encodeResponse, headerLengthName } from '../../runtime/remote/oip.ts'
import { serverExecutor } from '../../runtime/remote/server.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { context } from './harness/minilm.ts'
import { packModels } from './harness/models.ts'
import { startNode } from './harness/node.ts'
import { keys, suiteConfig } from './suites/under-test.ts'

/** A server that gives the square root of each number, so many milliseconds later; tells the rows of each run. */
async function roots(milliseconds: number): Promise<{ url: string; runs: number[] }> {
	const runs: number[] = []
	const server = createServer(async (request, response) => {
		const body = new Uint8Array(Buffer.concat(await request.toArray()))
		if (!request.url?.endsWith('/infer')) return response.end('{}')
		const x = decodeRequest(body, String(request.headers[headerLengthName])).inputs.x
		const numbers = [...((x?.data ?? []) as Float32Array)]
		runs.push(numbers.length)
		await sleep(milliseconds)
		const y = tensor('FP32', [numbers.length, 1], Float32Array.from(numbers, Math.sqrt))
		const answer = encodeResponse({ model: 'roots', version: '1', outputs: { y } }, { binaryOutput: true })
		response.writeHead(200, answer.headers).end(answer.body)
	})
	server.listen(0, '127.0.0.1')
	await once(server, 'listening')
	atEnd(() => server.close())
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, runs }
}

const axes = { batch: { max: 64 } }
const inputs = [{ name: 'x', datatype: 'FP32' as const, shape: ['batch', 1] }]
const outputs = [{ name: 'y', datatype: 'FP32' as const, shape: ['batch', 1] }]

test('one row that gives NaN does not fail the calls of others', async () => {
	const packed = await packModels([])
	atEnd(() => packed.remove())
	const upstream = await roots(50)
	const edge = await startNode({
		models: packed.folder,
		config: {
			...suiteConfig,
			container: {},
			models: { roots: { inProcess: false, declared: { inputs, outputs, axes }, routing: { batch: { rows: 16, wait: 100 } } } },
			upstreams: [{ name: 'gpu', kind: 'oip', url: upstream.url, models: { roots: {} } }],
		},
	})
	atEnd(() => edge.close())
	const client = serverExecutor({ name: 'edge', address: edge.url, key: keys.secret })
	const root = async (x: number) => {
		const asked = { x: tensor('FP32', [1, 1], Float32Array.of(x)) }
		const { output } = await client.infer({ kind: 'tensors', model: { name: 'roots' }, tensors: asked }, context())
		return output.kind === 'tensors' ? output.tensors.y?.data[0] : undefined
	}
	const given = [1, 4, 9, -1, 16, 25, 36, 49]
	const answers = await Promise.allSettled(given.map(root))
	const [refused, ...others] = answers.filter(({ status }) => status === 'rejected')
	expect(others).toEqual([])
	expect(refused).toMatchObject({ reason: { code: 'upstream', message: expect.stringContaining('NaN') } })
	expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : null))).toEqual([1, 2, 3, null, 4, 5, 6, 7])
	expect(Math.max(...upstream.runs)).toBeGreaterThan(1)
})
