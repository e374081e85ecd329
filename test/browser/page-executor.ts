// A page with a runtime in it as an executor of the test: calls go over to the page, answers come back.

import type { Answer, Call, ModelRef, TensorsCall } from '../../runtime/core/call.ts'
import { type Datatype, viewAs } from '../../runtime/core/datatype.ts'
import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import type { Subject } from '../contract/executor.ts'
import { ringReference } from '../fixtures/ring/make.ts'
import { expectedVector } from '../runtime/tiny.ts'

declare global {
	interface Window {
		/** What aborts calls, by their number. */
		callsUnderWay: Map<number, AbortController>
	}
}

/** Tensors as they go over to the page and back: numbers as text, for they may be beyond 2^53. */
type Plain = Record<string, { datatype: string; shape: readonly number[]; data: string[] }>

interface Asked {
	id: number
	call: { kind: string; model: Call['model']; input?: unknown; tensors?: Plain }
	remaining: number
	aborted: boolean
}

type Told = { ran: Answer['ran']; vectors?: number[][]; tensors?: Plain } | { code: ErrorCode; message: string }

/** A page of any browser. */
export interface PageToAsk {
	/** Runs a function in the page; what goes in and comes back is plain data. */
	evaluate<Result, Argument>(run: (argument: Argument) => Result | Promise<Result>, argument: Argument): Promise<Result>
}

function pageExecutor(page: PageToAsk): Executor {
	let ids = 0

	async function infer(call: Call, { remaining, signal }: Context): Promise<Answer> {
		const id = ++ids
		const plain = call.kind === 'tensors' ? { ...call, tensors: plainOf(call.tensors) } : call
		const abort = () => void page.evaluate((id) => window.callsUnderWay?.get(id)?.abort(), id)
		signal.addEventListener('abort', abort)
		const told = await page.evaluate(ask, { id, call: plain, remaining, aborted: signal.aborted } as Asked)
		if ('code' in told) throw new SpillwayError(told.code, told.message, { cause: signal.reason })
		const { ran, vectors, tensors } = told
		// Tokens do not leave the page's interface.
		if (vectors) return { output: { kind: 'embed', vectors: vectors.map((vector) => Float32Array.from(vector)), tokens: Number.NaN }, ran }
		return { output: { kind: 'tensors', tensors: typedOf(tensors ?? {}) }, ran }
	}

	return {
		name: 'page',
		accepts: ['tensors', 'embed'],
		estimate: () => {
			throw new Error('asked of the page itself')
		},
		infer,
		dispose: () => page.evaluate(() => window.runtime.dispose(), undefined),
	}
}

/** Runs in the page. */
async function ask({ id, call, remaining, aborted }: Asked): Promise<Told> {
	const controller = new AbortController()
	window.callsUnderWay ??= new Map()
	window.callsUnderWay.set(id, controller)
	if (aborted) controller.abort()
	try {
		const { name, version, space } = call.model
		const model = window.runtime.model(name, { version })
		const options = { deadline: remaining, signal: controller.signal, space }
		if (call.kind === 'task') {
			const { vectors, ran } = await model.embed(call.input as string[], options)
			return { vectors: vectors.map((vector) => [...vector]), ran }
		}
		const arrays = {
			INT64: (data: string[]) => BigInt64Array.from(data, BigInt),
			FP32: (data: string[]) => Float32Array.from(data, Number),
		}
		const inputs = Object.entries(call.tensors ?? {}).map(([key, one]) => {
			return [key, one && { ...one, data: arrays[one.datatype as keyof typeof arrays]?.(one.data) ?? one.data }]
		})
		const { tensors, ran } = await model.infer(Object.fromEntries(inputs), options)
		const outputs = Object.entries(tensors).map(([key, { datatype, shape, data }]) => [
			key,
			{ datatype, shape, data: Array.from(data as Float32Array, String) },
		])
		return { tensors: Object.fromEntries(outputs), ran }
	} catch (error) {
		const { code, message } = error as SpillwayError
		return { code, message }
	}
}

const plainOf = (tensors: TensorsCall['tensors']): Plain =>
	Object.fromEntries(
		Object.entries(tensors).map(([name, one]) => [name, one && { ...one, data: Array.from(one.data as Float32Array, String) }]),
	)

function typedOf(tensors: Plain) {
	return Object.fromEntries(
		Object.entries(tensors).map(([name, { datatype, shape, data }]) => {
			const typed = viewAs(datatype as Datatype, new Uint8Array(Float32Array.from(data, Number).buffer))
			return [name, { datatype: datatype as Datatype, shape, data: typed }]
		}),
	)
}

/** A page to ask, with `window.runtime`. */
export interface Opened {
	readonly page: PageToAsk
	readonly hold: Subject['hold']
	/** Network hops to what answers. Default 0. */
	readonly hops?: number
	close(): Promise<void>
}

const context: Context = { remaining: 60_000, signal: new AbortController().signal, hops: 0, retries: { left: 0 }, trace: '' }

const embed = (name: string, input: unknown): Call => ({ kind: 'task', model: { name }, task: 'embed', input: input as string[] })

interface Asking {
	call(model?: Partial<ModelRef>): Call
	check: Subject['check']
	wrong: Subject['wrong']
}

async function subject({ page, hold, hops = 0, close }: Opened, asking: Asking): Promise<Subject> {
	const executor = pageExecutor(page)
	// Loaded, for what holds a session needs one.
	await executor.infer(asking.call(), context)
	return { executor, hold, close, hops, sent: () => 0, ...asking }
}

/** For the executor contract: the page asked to embed with the tiny model of texts. */
export const embedding = (opened: Opened, name = 'tiny-text'): Promise<Subject> =>
	subject(opened, {
		call: (model) => ({ ...embed(name, ['hello world', '']), model: { name, ...model } }),
		check(output) {
			if (output.kind !== 'embed') throw new Error('vectors were asked for')
			for (const [i, expected] of [expectedVector([2, 4, 5, 3]), expectedVector([2, 3])].entries())
				for (const [j, value] of expected.entries())
					if (Math.abs((output.vectors[i]?.[j] ?? Number.NaN) - value) > 1e-5) throw new Error(`vector ${i} is ${output.vectors[i]}`)
		},
		wrong: { 'a number': embed(name, [1]), 'no array': embed(name, 'hello') },
	})

const pixels = (data = new Float32Array(6), shape = [1, 2, 3]): TensorsCall => ({
	kind: 'tensors',
	model: { name: 'tiny-pixels' },
	tensors: { pixels: { datatype: 'FP32', shape, data } },
})

/** For the executor contract: the page asked for the tensors of `tiny-pixels`. */
export const tensors = (opened: Opened): Promise<Subject> =>
	subject(opened, {
		call: (model) => ({ ...pixels(Float32Array.of(0, 1, 2, 3, 4, 5)), model: { name: 'tiny-pixels', ...model } }),
		check(output) {
			if (output.kind !== 'tensors' || String(output.tensors.brighter?.data) !== '1,2,3,4,5,6') throw new Error('not brighter')
		},
		wrong: {
			'no tensor': { ...pixels(), tensors: {} },
			'another name': { ...pixels(), tensors: { pictures: pixels().tensors.pixels as never } },
			'another shape': pixels(new Float32Array(6), [1, 3, 2]),
			'data that does not fit': pixels(new Float32Array(5)),
			'no tensor at all': { ...pixels(), tensors: { pixels: null as never } },
		},
	})

const signal = Float32Array.of(0.5, -1, 0.25, 0)
const filtered = ringReference(signal, 2).filtered
const ring = (samples = signal, gain = 2): TensorsCall => ({
	kind: 'tensors',
	model: { name: 'ring' },
	tensors: {
		signal: { datatype: 'FP32', shape: [samples.length], data: samples },
		gain: { datatype: 'FP32', shape: [1], data: Float32Array.of(gain) },
	},
})

/** For the executor contract: the page asked for the tensors of `ring`. */
export const rings = (opened: Opened): Promise<Subject> =>
	subject(opened, {
		call: (model) => ({ ...ring(), model: { name: 'ring', ...model } }),
		check(output) {
			if (output.kind !== 'tensors') throw new Error('tensors were asked for')
			for (const [at, value] of filtered.entries())
				if (!(Math.abs(Number(output.tensors.filtered?.data[at]) - value) < 1e-2)) throw new Error(`[${at}] is not ${value}`)
		},
		wrong: {
			'no tensor': { ...ring(), tensors: {} },
			'a tensor is missing': { ...ring(), tensors: { signal: ring().tensors.signal as never } },
			'too many samples': ring(new Float32Array(4097)),
		},
	})
