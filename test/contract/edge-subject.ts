// The real edge application on a real server, for contracts: what is asked of it, and what is right.

import type { Call, EmbedCall, Output, TensorsCall } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import type { Fetch } from '../../runtime/remote/exchange.ts'
import { startLocal } from '../edge/local.ts'
import { expectedNumbers, keys } from '../edge/suites/under-test.ts'
import { expectedVector } from '../runtime/tiny.ts'
import type { Subject } from './executor.ts'
import { makeGate } from './gate.ts'

export interface Parts {
	make: (connection: { name: string; address: string; key: string; fetch: Fetch; own: ReadonlyMap<string, Executor> }) => Executor
	call: Subject['call']
	check: Subject['check']
	wrong: Subject['wrong']
}

/** An executor over an edge that can be held, with what it is asked. `make` gets the edge's own executors, too, by model. */
export async function edgeSubject({ make, ...parts }: Parts): Promise<Subject> {
	const gate = makeGate()
	const own = new Map<string, Executor>()
	const edge = await startLocal({
		replace: ({ name, executor }) => {
			const gated = behind(executor, gate.passed)
			own.set(name, gated)
			return gated
		},
	})
	let sent = 0
	const counted: Fetch = (url, init) => {
		sent++
		return fetch(url, init)
	}
	const executor = make({ name: 'edge', address: edge.url, key: keys.secret, fetch: counted, own })
	return { ...parts, executor, hops: 1, hold: gate.close, sent: () => sent, close: edge.close }
}

/** The same executor, each call of which waits for the gate. */
const behind = (executor: Executor, passed: () => Promise<void>): Executor => ({
	...executor,
	infer: async (call, context) => {
		await passed()
		return executor.infer(call, context)
	},
})

export const embed = (input: unknown): Call => ({ kind: 'task', model: { name: 'm' }, task: 'embed', input: input as EmbedCall['input'] })

export const checkVectors = (output: Output) => {
	if (output.kind !== 'embed') throw new Error('vectors were asked for')
	const [first, second] = output.vectors
	const expected = [expectedVector([2, 4, 5, 3]), expectedVector([2, 3])]
	for (const [i, vector] of [first, second].entries())
		for (const [j, value] of (expected[i] ?? []).entries())
			if (Math.abs((vector?.[j] ?? Number.NaN) - value) > 1e-5) throw new Error(`vector ${i} is ${vector}, not ${expected[i]}`)
	if (output.vectors.length !== 2 || output.tokens !== 6) throw new Error(`${output.vectors.length} vectors of ${output.tokens} tokens`)
}

/** Two texts, of which the model makes vectors. */
export const texts = {
	call: (model?: object): Call => ({ kind: 'task', model: { name: 'm', ...model }, task: 'embed', input: ['hello world', ''] }),
	check: checkVectors,
	wrong: {
		'no text': embed([]),
		'a number': embed([1]),
		'no array': embed('hello'),
	},
}

export const x = () => tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
export const infer = (tensors: unknown): Call => ({ kind: 'tensors', model: { name: 'tiny' }, tensors: tensors as TensorsCall['tensors'] })

const checkNumbers = (output: Output) => {
	if (output.kind !== 'tensors') throw new Error('tensors were asked for')
	const { y } = output.tensors
	if (String(y?.data) !== String(expectedNumbers) || String(y?.shape) !== '1,3') throw new Error(`answered ${y?.data}`)
}

/** Four numbers, of which the model makes three. */
export const tensors = {
	call: (model?: object): Call => ({ kind: 'tensors', model: { name: 'tiny', ...model }, tensors: { x: x() } }),
	check: checkNumbers,
}
