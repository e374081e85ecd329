// Sessions: one graph on one execution provider, natively and in WebAssembly.

import { afterEach, describe, expect, test, vi } from 'vitest'
import { toTensorData } from '../../models/format/tensor-data.ts'
import type { TensorsCall } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { checked, type Verdict } from '../../runtime/session/checked.ts'
import type { Ort } from '../../runtime/session/ort.ts'
import { createSession } from '../../runtime/session/session.ts'
import { startOrt } from '../../runtime/session/wasm.ts'
import { type Gate, makeGate } from '../contract/gate.ts'
import { dimensions, expectedVector, filesOf, packed, pixelDescription, textDescription, textTensors } from './tiny.ts'
import { context, ortFor, tinySession } from './tiny-sessions.ts'

let session: Executor
afterEach(() => session?.dispose())

const callOf = (tensors: Tensors, model = {}): TensorsCall => ({ kind: 'tensors', model: { name: 'tiny-text', ...model }, tensors })

async function outputs(executor: Executor, call: TensorsCall): Promise<Tensors> {
	const { output } = await executor.infer(call, context())
	if (output.kind !== 'tensors') throw new Error('no tensors')
	return output.tensors
}

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

describe('inputs are checked strictly against the manifest', () => {
	const good = () =>
		textTensors([
			[2, 4, 3],
			[2, 3],
		]) as Record<string, Tensors[string]>
	const cases: [string, () => unknown, RegExp][] = [
		['no tensors', () => null, /give tensors by name: "ids" INT64 \[batch, tokens\]/],
		['an unknown name', () => ({ ...good(), token_type_ids: good().ids }), /no input "token_type_ids"; it takes "ids" INT64/],
		['a missing one', () => ({ ids: good().ids }), /input "mask" is missing/],
		['no tensor', () => ({ ...good(), mask: [1, 2] }), /input "mask": unknown datatype/],
		['another datatype', () => ({ ...good(), mask: tensor('INT32', [2, 3], new Int32Array(6)) }), /input "mask" must be INT64, is INT32/],
		[
			'data of another type than it says',
			() => ({ ...good(), mask: { ...good().mask, data: new Int32Array(6) } }),
			/must not be Int32Array/,
		],
		[
			'data of another size',
			() => ({ ...good(), mask: { ...good().mask, data: new BigInt64Array(5) } }),
			/asks for 6 elements, data has 5/,
		],
		[
			'another rank',
			() => ({ ...good(), mask: tensor('INT64', [6], new BigInt64Array(6)) }),
			/"mask" must have shape \[batch, tokens\], has \[6\]/,
		],
		[
			'an axis of two sizes',
			() => ({ ...good(), mask: tensor('INT64', [3, 2], new BigInt64Array(6)) }),
			/"mask" has 3 along axis "batch", but "ids" has 2/,
		],
		['an axis over its limit', () => textTensors([new Array(13).fill(1)]), /has 13 along axis "tokens", must have 1 to 12/],
		[
			'an empty axis',
			() => ({ ids: tensor('INT64', [0, 2], new BigInt64Array(0)), mask: tensor('INT64', [0, 2], new BigInt64Array(0)) }),
			/has 0 along axis "batch", must have at least 1/,
		],
		['a name from the prototype', () => ({ ...good(), constructor: good().ids }), /no input "constructor"/],
	]
	test.each(cases)('%s', async (_, make, message) => {
		session = await tinySession('cpu')
		const refused = session.infer(callOf(make() as Tensors), context())
		await expect(refused).rejects.toMatchObject({ code: 'invalid-input', message: expect.stringMatching(message) })
	})

	test('a fixed size', async () => {
		session = await tinySession('cpu', pixelDescription())
		const tensors = { pixels: tensor('FP32', [1, 3, 2], new Float32Array(6)) }
		await expect(session.infer({ kind: 'tensors', model: { name: 'tiny-pixels' }, tensors }, context())).rejects.toMatchObject({
			code: 'invalid-input',
			message: 'input "pixels" must have shape [1, 2, 3], has [1, 3, 2]',
		})
	})

	test('another model, version or space than this one', async () => {
		session = await tinySession('cpu')
		const tensors = textTensors([[2, 3]])
		await expect(session.infer(callOf(tensors, { name: 'other' }), context())).rejects.toMatchObject({ code: 'not-found' })
		await expect(session.infer(callOf(tensors, { version: '2.0.0' }), context())).rejects.toMatchObject({ code: 'not-found' })
		await expect(session.infer(callOf(tensors, { space: 'other@0/int8' }), context())).rejects.toMatchObject({ code: 'unsupported' })
	})
})

describe('time', () => {
	const call = callOf(textTensors([[2, 4, 3]]))

	test('a call without time left, or aborted before, is not begun', async () => {
		session = await tinySession('cpu')
		await expect(session.infer(call, context({ remaining: 0 }))).rejects.toMatchObject({ code: 'deadline-exceeded' })
		await expect(session.infer(call, context({ signal: AbortSignal.abort('no more') }))).rejects.toMatchObject({
			code: 'aborted',
			cause: 'no more',
		})
	})

	test('calls that wait are taken out when they are aborted, the others are answered', async () => {
		session = await tinySession('cpu')
		const controller = new AbortController()
		const calls = Array.from({ length: 10 }, (_, index) =>
			session.infer(call, context(index % 2 === 0 ? {} : { signal: controller.signal })),
		)
		controller.abort()
		const codes = (await Promise.allSettled(calls)).map((result) => (result.status === 'fulfilled' ? 'answered' : result.reason.code))
		expect(codes).toEqual(calls.map((_, index) => (index % 2 === 0 ? 'answered' : 'aborted')))
	})

	test('after it is disposed calls are refused, and those under way settle', async () => {
		session = await tinySession('cpu')
		const running = session.infer(call, context())
		const disposed = session.dispose()
		await expect(running).rejects.toMatchObject({ code: 'disposed' })
		await disposed
		await session.dispose()
		await expect(session.infer(call, context())).rejects.toMatchObject({ code: 'disposed' })
		expect(session.estimate(call)).toMatchObject({ can: 'no', reason: 'unhealthy' })
	})

	test('estimates come from measured runs; where clocks stand still there are none', async () => {
		session = await tinySession('cpu')
		expect(session.estimate(call)).toEqual({ can: 'now', queue: 0, run: 0 })
		await session.infer(call, context())
		expect(session.estimate(call).run).toBeGreaterThan(0)

		const { manifest, digest } = await packed(textDescription())
		const graph = filesOf(manifest)['graph.onnx'] as Uint8Array
		const timeless = await createSession({
			ort: await ortFor('cpu'),
			graph,
			manifest,
			digest,
			variant: 'fp32',
			provider: 'cpu',
			name: 'edge',
			clock: null,
		})
		expect((await timeless.infer(call, context())).ran).toMatchObject({ queue: null, run: null, batch: 1 })
		await timeless.dispose()
	})
})

describe('on WebGPU, where runs must not overlap and may hang for ever', () => {
	/** The same ONNX Runtime under another name, each run of which waits for the gate. */
	async function gpuSession(gate: Gate, remaining?: number): Promise<Executor> {
		const { manifest, digest } = await packed(textDescription())
		const { InferenceSession, Tensor } = await ortFor('cpu')
		const ort = {
			Tensor,
			InferenceSession: {
				async create(graph: Uint8Array) {
					const made = await InferenceSession.create(graph)
					return { run: (feeds: never) => gate.passed().then(() => made.run(feeds)), release: () => made.release() }
				},
			},
		} as unknown as Ort
		const graph = filesOf(manifest)['graph.onnx'] as Uint8Array
		return createSession({
			ort,
			graph,
			manifest,
			digest,
			variant: 'fp32',
			provider: 'webgpu',
			name: 'device',
			...(remaining === undefined ? {} : { remaining }),
		})
	}
	const call = callOf(textTensors([[2, 4, 3]]))

	test('a session cannot be made while a run of another hangs: that is said in time', async () => {
		const gate = makeGate()
		session = await gpuSession(gate)
		const open = gate.close()
		const hangs = session.infer(call, context())
		await expect(gpuSession(gate, 50)).rejects.toMatchObject({ code: 'deadline-exceeded', message: expect.stringContaining('webgpu') })
		open()
		await hangs
		const other = await gpuSession(gate, 5_000)
		await expect(outputs(other, call)).resolves.toBeDefined()
		await other.dispose()
	})

	test('disposal does not wait for a run that hangs', async () => {
		const gate = makeGate()
		const hanging = await gpuSession(gate)
		const open = gate.close()
		const run = hanging.infer(call, context())
		await new Promise((resolve) => setTimeout(resolve, 20))
		vi.useFakeTimers()
		try {
			const disposed = hanging.dispose()
			await expect(run).rejects.toMatchObject({ code: 'disposed' })
			await vi.advanceTimersByTimeAsync(5_000)
			await disposed
		} finally {
			vi.useRealTimers()
			open()
		}
		// The lane is free again, and what hung was released.
		session = await gpuSession(gate, 5_000)
		await expect(outputs(session, call)).resolves.toBeDefined()
	})
})

describe('the golden check', () => {
	const options = async (change: (description: ReturnType<typeof textDescription>) => void = () => {}) => {
		const description = textDescription()
		change(description)
		session = await tinySession('wasm', description)
		return { manifest: (await packed(description)).manifest, variant: 'fp32', provider: 'wasm' } as const
	}
	const wrong = (description: ReturnType<typeof textDescription>) => {
		const golden = description.variants.fp32?.golden[0]
		if (golden) golden.outputs.vector = toTensorData(tensor('FP32', [1, dimensions], Float32Array.of(1, 0, 0, 0)))
	}

	test('lets a session serve that answers within the tolerance, and tells the verdict', async () => {
		const verdicts: Verdict[] = []
		const settings = await options()
		expect(await checked(session, { ...settings, remember: (verdict) => void verdicts.push(verdict) })).toBe(session)
		expect(verdicts).toEqual([{ reason: null }])
	})

	test('refuses one that does not, with figures, and disposes it', async () => {
		const verdicts: Verdict[] = []
		const settings = await options(wrong)
		await expect(checked(session, { ...settings, remember: (verdict) => void verdicts.push(verdict) })).rejects.toMatchObject({
			code: 'golden-mismatch',
			message: expect.stringMatching(/on wasm here: golden sample "hello world": vector row 0: cosine -?0\.\d+ is below 0\.9999/),
		})
		expect(verdicts).toEqual([{ reason: expect.stringContaining('cosine') }])
		await expect(session.infer(callOf(textTensors([[2, 3]])), context())).rejects.toMatchObject({ code: 'disposed' })
	})

	test('believes a remembered verdict, good or bad, without running', async () => {
		const settings = await options(wrong)
		expect(await checked(session, { ...settings, verdict: { reason: null } })).toBe(session)
		await expect(checked(session, { ...settings, verdict: { reason: 'as seen before' } })).rejects.toMatchObject({
			code: 'golden-mismatch',
			message: expect.stringContaining('as seen before'),
		})
	})

	test('does not remember that it could not be run', async () => {
		const verdicts: Verdict[] = []
		const settings = await options()
		await expect(checked(session, { ...settings, remaining: 0, remember: (verdict) => void verdicts.push(verdict) })).rejects.toMatchObject(
			{
				code: 'deadline-exceeded',
				message: expect.stringContaining('golden sample "hello world"'),
			},
		)
		expect(verdicts).toEqual([])
	})
})
