// Sessions: one graph on one execution provider, natively and in WebAssembly.

import { afterEach, describe, expect, test } from 'vitest'
import type { Executor } from '../../runtime/core/executor.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { createSession } from '../../runtime/session/session.ts'
import { startOrt } from '../../runtime/session/wasm.ts'
import { callOf, outputs } from './session-calls.ts'
import { dimensions, expectedVector, packed, pixelDescription, textDescription, textTensors } from './tiny.ts'
import { context, ortFor, tinySession } from './tiny-sessions.ts'

let session: Executor
afterEach(() => session?.dispose())

describe.each(['cpu', 'wasm'] as const)('on %s', (provider) => {
	test('answers with all outputs by name, in plain tensors of their own memory', async () => {
		session = await tinySession(provider)
		const { vector, count } = await outputs(
			session,
			callOf(
				textTensors([
					[2, 4, 5, 3],
					[2, 3],
				]),
			),
		)
		expect(vector).toMatchObject({ datatype: 'FP32', shape: [2, dimensions] })
		const expected = [...expectedVector([2, 4, 5, 3]), ...expectedVector([2, 3])]
		for (const [index, value] of expected.entries()) expect(vector?.data[index]).toBeCloseTo(value, 5)
		expect(count).toEqual(tensor('FP32', [2, 1], Float32Array.of(4, 2)))
		expect(vector?.data.buffer.byteLength).toBe(vector?.data.byteLength)
	})

	test('tells where it ran: provider, variant, space, times, batch', async () => {
		session = await tinySession(provider)
		const { digest } = await packed(textDescription())
		const { ran } = await session.infer(
			callOf(
				textTensors([
					[2, 4, 3],
					[2, 3],
				]),
			),
			context({ hops: 1 }),
		)
		expect(ran).toEqual({
			executor: 'device',
			provider,
			model: 'tiny-text',
			version: '1.0.0',
			variant: 'fp32',
			space: `tiny-text@${digest}/fp32`,
			queue: expect.any(Number),
			run: expect.any(Number),
			batch: 2,
			hops: 0,
			overflow: [],
		})
	})

	test('runs a model of fixed size with other names and no batch axis', async () => {
		session = await tinySession(provider, pixelDescription())
		const pixels = tensor('FP32', [1, 2, 3], Float32Array.of(5, 4, 3, 2, 1, 0))
		const { output, ran } = await session.infer({ kind: 'tensors', model: { name: 'tiny-pixels' }, tensors: { pixels } }, context())
		expect(output).toEqual({ kind: 'tensors', tensors: { brighter: tensor('FP32', [1, 2, 3], Float32Array.of(6, 5, 4, 3, 2, 1)) } })
		expect(ran.batch).toBe(1)
	})

	test('what only ONNX Runtime can see of an input is invalid input, too, and the next call is answered', async () => {
		session = await tinySession(provider)
		await expect(session.infer(callOf(textTensors([[4_000_000]])), context())).rejects.toMatchObject({
			code: 'invalid-input',
			message: expect.stringContaining('out of data bounds'),
		})
		await expect(outputs(session, callOf(textTensors([[2, 3]])))).resolves.toBeDefined()
	})

	test('many calls at once are run one after another, each with its own answer', async () => {
		session = await tinySession(provider)
		const rows = Array.from({ length: 20 }, (_, index) => Array.from({ length: 1 + (index % 12) }, (_, token) => (index + token) % 14))
		const answers = await Promise.all(rows.map((ids) => outputs(session, callOf(textTensors([ids])))))
		for (const [index, { count, vector }] of answers.entries()) {
			const ids = rows[index] as number[]
			expect(count?.data[0]).toBe(ids.length)
			expect(vector?.data[0]).toBeCloseTo(expectedVector(ids)[0] as number, 5)
		}
	})

	test('can be started before there is a model', async () => {
		await startOrt(await ortFor(provider))
		session = await tinySession(provider)
		await expect(outputs(session, callOf(textTensors([[2, 3]])))).resolves.toBeDefined()
	})

	test('a graph that cannot be loaded is refused with a typed error', async () => {
		const { manifest, digest } = await packed(textDescription())
		const broken = createSession({
			ort: await ortFor(provider),
			graph: Uint8Array.of(1, 2, 3),
			manifest,
			digest,
			variant: 'fp32',
			provider,
			name: 'device',
		})
		await expect(broken).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining(provider) })
	})
})
