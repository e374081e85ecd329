// An edge across a network: what is said to it, and what becomes of what it answers.

import { describe, expect, test } from 'vitest'
import type { Call } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { decodeRequest, headerLengthName } from '../../runtime/remote/oip.ts'
import { answerWith, call, embed, errorOf, type Received, ran, serve, space } from './remote-edge.ts'
import { context } from './scripted.ts'

describe('what is said to an edge', () => {
	test('a task: text as JSON, with time, hops, retries and trace', async () => {
		const { address, received } = await serve(answerWith())
		const edge = edgeExecutor({ name: 'edge', address: `${address}/base/`, key: 'pk_1' })
		await edge.infer(
			{ ...embed, model: { name: 'minilm', version: '1.0.0', space } },
			context({ remaining: 400, hops: 1, retries: { left: 2 }, priority: 'low' }),
		)
		const [{ url, headers, body }] = received as [Received]
		expect(url).toBe('POST /base/v1/tasks/embed')
		expect(JSON.parse(new TextDecoder().decode(body))).toEqual({ model: 'minilm', version: '1.0.0', input: ['hello', 'world'] })
		expect(headers).toMatchObject({
			'content-type': 'application/json',
			authorization: 'Bearer pk_1',
			'spillway-hops': '2',
			'spillway-retries': '2',
			'spillway-space': space,
			'spillway-priority': 'low',
			// The call's own span is the parent of what happens there.
			traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
		})
		expect(Number(headers['spillway-time-left'])).toBeGreaterThan(0)
		expect(Number(headers['spillway-time-left'])).toBeLessThanOrEqual(400)
	})

	test('tensors: the Open Inference Protocol with binary data', async () => {
		const tensors = { x: tensor('INT64', [2], BigInt64Array.of(1n, 2n ** 60n)) }
		const asked: Call = { kind: 'tensors', model: { name: 'my model', version: '2.0.0' }, tensors }
		const { received, answered } = await call(answerWith({ outputs: tensors }), { asked })
		const { output } = await answered
		expect(output).toEqual({ kind: 'tensors', tensors })
		const [{ url, headers, body }] = received as [Received]
		expect(url).toBe('POST /v2/models/my%20model/versions/2.0.0/infer')
		expect(headers).not.toHaveProperty('authorization')
		expect(decodeRequest(body, headers[headerLengthName] as string)).toMatchObject({ inputs: tensors, binaryOutput: true })
	})
})

describe('what an edge answers', () => {
	test('vectors, each of its own memory, and provenance with one hop more', async () => {
		const { answered } = await call(answerWith({ told: { ...ran, hops: 1, overflow: [{ executor: 'edge', reason: 'queue' }] } }))
		const { output, ran: told } = await answered
		expect(output).toEqual({ kind: 'embed', vectors: [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)], tokens: 6 })
		if (output.kind === 'embed') expect(output.vectors[0]?.buffer.byteLength).toBe(12)
		expect(told).toEqual({ ...ran, hops: 2, overflow: [{ executor: 'edge', reason: 'queue' }] })
	})

	test('provenance that says nothing is completed', async () => {
		const { answered } = await call(answerWith({ told: null }))
		expect((await answered).ran).toEqual({
			executor: 'edge',
			model: 'minilm',
			provider: null,
			version: null,
			variant: null,
			space: null,
			queue: null,
			run: null,
			batch: null,
			hops: 1,
			overflow: [],
		})
	})

	test.each([
		['too few vectors', { outputs: { embedding: tensor('FP32', [1, 3], new Float32Array(3)) } }],
		['too many vectors', { outputs: { embedding: tensor('FP32', [3, 3], new Float32Array(9)) } }],
		['vectors without dimensions', { outputs: { embedding: tensor('FP32', [2, 0], new Float32Array(0)) } }],
		['a flat answer', { outputs: { embedding: tensor('FP32', [2], new Float32Array(2)) } }],
		['an answer with one axis more', { outputs: { embedding: tensor('FP32', [2, 1, 1], new Float32Array(2)) } }],
		['another datatype', { outputs: { embedding: tensor('FP64', [2, 3], new Float64Array(6)) } }],
		['another output', { outputs: { vectors: tensor('FP32', [2, 3], new Float32Array(6)) } }],
		['NaN', { outputs: { embedding: tensor('FP32', [2, 3], new Float32Array(6).fill(Number.NaN)) } }],
		['infinity', { outputs: { embedding: tensor('FP32', [2, 3], new Float32Array(6).fill(Number.POSITIVE_INFINITY)) } }],
		['no number of tokens', { parameters: {} }],
		['provenance that is no JSON', { told: '{' }],
		['a header length that is wrong', { headers: { [headerLengthName]: '7' } }],
		['a header length that is none', { headers: { [headerLengthName]: 'x' } }],
	])('upstream: %s', async (_, changed) => {
		const error = await errorOf((await call(answerWith(changed))).answered)
		expect(error.name).toBe('SpillwayError')
		expect(error.code).toBe('upstream')
	})

	test('upstream: vectors of another space than was asked for', async () => {
		const asked = { ...embed, model: { name: 'minilm', space: `minilm@${'b'.repeat(64)}/int8` } }
		expect((await errorOf((await call(answerWith(), { asked })).answered)).code).toBe('upstream')
		expect((await errorOf((await call(answerWith({ told: null }), { asked })).answered)).code).toBe('upstream')
	})
})
