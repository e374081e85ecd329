// What a stress test does, all of it decided by a seed: calls of which the answers are known, and what befalls them.

import { tensor } from '../../runtime/core/tensor.ts'
import type { Priority } from '../../runtime/index.ts'
import { ringReference } from '../fixtures/ring/make.ts'
import { expectedVector, textTensors, tokenizerJson } from '../runtime/tiny.ts'

/** Tensors as JSON: integers as numbers. */
export type PlainTensors = Record<string, { datatype: string; shape: readonly number[]; data: number[] }>

export interface Question {
	model: string
	texts?: string[]
	tensors?: PlainTensors
	/** Vectors in order, or outputs by name. */
	expected: Record<string, number[]>
	/** By which each number may be off. */
	tolerance: number
}

/** What happens while calls are under way. */
export type Fault =
	/** A session worker ends. */
	| 'session'
	/** A session worker throws outside of any call. */
	| 'error'
	/** A session worker does nothing else for two seconds. */
	| 'busy'
	/** A session worker does not come back. */
	| 'hang'
	/** The engine worker ends. */
	| 'engine'
	/** The runtime is disposed of, another is made. */
	| 'dispose'

export interface Planned extends Question {
	deadline?: number | undefined
	/** Milliseconds after which it is aborted; 0: before it is made. */
	abort?: number | undefined
	priority?: Priority | undefined
	/** Happens when the call is made. */
	fault?: Fault | undefined
}

/** Numbers from 0 to 1, the same on every machine: Mulberry32. */
export function seeded(seed: number): () => number {
	let state = seed
	return () => {
		state = (state + 0x6d2b79f5) | 0
		let bits = Math.imul(state ^ (state >>> 15), state | 1)
		bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
		return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
	}
}

const below = (random: () => number, limit: number) => Math.floor(random() * limit)
const pick = <T>(random: () => number, from: readonly T[]): T => from[below(random, from.length)] as T
const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))

export interface PlanOptions {
	seed: number
	calls: number
	/** Each happens so many calls after the one before, at even distances. */
	faults: readonly Fault[]
	ask(random: () => number): Question
}

/** A call in three is aborted or has little time. */
export function plan({ seed, calls, faults, ask }: PlanOptions): Planned[] {
	const random = seeded(seed)
	return times(calls, (at) => {
		const fate = random()
		const step = Math.floor(calls / (faults.length + 1))
		return {
			...ask(random),
			abort: fate < 0.02 ? 0 : fate < 0.15 ? 1 + below(random, 60) : undefined,
			deadline: fate > 0.97 ? 1 + below(random, 5) : fate > 0.8 ? 5 + below(random, 300) : undefined,
			priority: pick(random, ['high', 'normal', 'normal', 'low', undefined]),
			fault: at > 0 && at % step === 0 ? faults[at / step - 1] : undefined,
		}
	})
}

const words = ['hello', 'world', 'how', 'are', 'you', 'red', 'green', 'blue', '!'] as const
const ids = (text: readonly (typeof words)[number][]) => [2, ...text.map((word) => tokenizerJson.model.vocab[word] as number), 3]
const numbers = (values: ArrayLike<number>) => Array.from(values, Math.fround)

const plain = ({ datatype, shape, data }: ReturnType<typeof tensor>) => ({
	datatype,
	shape,
	data: Array.from(data as ArrayLike<number>, Number),
})

/** Signals are few: what the ring makes of them takes long to compute. */
const signals = times(24, (at) => Float32Array.from({ length: 1 + 2 * at }, (_, sample) => Math.sin(sample * (at + 1) + at)))
const rings = signals.map((signal): Question => {
	const { filtered, peak } = ringReference(signal, 2)
	const tensors = {
		signal: plain(tensor('FP32', [signal.length], signal)),
		gain: plain(tensor('FP32', [1], Float32Array.of(2))),
	}
	return { model: 'ring', tensors, expected: { filtered: numbers(filtered), peak: [peak] }, tolerance: 1e-3 }
})

/** Asks the models of `packModels`, by texts and by tensors: hardly two alike, and each answer its question's own. */
export function askTiny(random: () => number): Question {
	const rows = () => times(1 + below(random, 3), () => times(below(random, 10), () => pick(random, words)))
	const kind = random()
	if (kind < 0.5) {
		const texts = rows()
		const expected = Object.fromEntries(texts.map((text, at) => [at, expectedVector(ids(text))]))
		return { model: 'tiny-text', texts: texts.map((text) => text.join(' ')), expected, tolerance: 1e-4 }
	}
	if (kind < 0.7) {
		const all = rows().map(ids)
		const tensors = Object.fromEntries(Object.entries(textTensors(all)).map(([name, one]) => [name, plain(one)]))
		const expected = { vector: all.flatMap(expectedVector), count: all.map(({ length }) => length) }
		return { model: 'tiny-text', tensors, expected, tolerance: 1e-4 }
	}
	if (kind < 0.9) {
		const pixels = times(6, () => Math.fround(below(random, 1e6)))
		const tensors = { pixels: { datatype: 'FP32', shape: [1, 2, 3], data: pixels } }
		return { model: 'tiny-pixels', tensors, expected: { brighter: pixels.map((value) => value + 1) }, tolerance: 0 }
	}
	return pick(random, rings)
}

/** Asks a model of texts whose vectors are known. */
export const askTexts =
	(model: string, known: readonly { text: string; vector: number[] }[], tolerance: number) =>
	(random: () => number): Question => {
		const asked = times(random() < 0.8 ? 1 : 2, () => pick(random, known))
		return {
			model,
			texts: asked.map(({ text }) => text),
			expected: Object.fromEntries(asked.map(({ vector }, at) => [at, vector])),
			tolerance,
		}
	}

/** One question for each way in which the tiny models are asked. */
export const calmTiny: readonly Question[] = ['tiny-text', 'tiny-pixels', 'ring'].map((model) => {
	const random = seeded(1)
	for (;;) {
		const question = askTiny(random)
		if (question.model === model) return question
	}
})
