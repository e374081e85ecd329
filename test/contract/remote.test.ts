// The executor contract, held by the executors that speak HTTP, against the real edge application on a real server.

import type { Call, EmbedCall, Output, TensorsCall } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import type { Fetch } from '../../runtime/remote/exchange.ts'
import { serverExecutor } from '../../runtime/remote/server.ts'
import { startLocal } from '../edge/local.ts'
import { expectedNumbers, keys } from '../edge/suites/under-test.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { executorContract, type Subject } from './executor.ts'
import { makeGate } from './gate.ts'

interface Parts {
	make: (connection: { name: string; address: string; key: string; fetch: Fetch }) => Executor
	call: Subject['call']
	check: Subject['check']
	wrong: Subject['wrong']
}

async function subject({ make, ...parts }: Parts): Promise<Subject> {
	const gate = makeGate()
	const edge = await startLocal({ replace: ({ executor }) => behind(executor, gate.passed) })
	let sent = 0
	const counted: Fetch = (url, init) => {
		sent++
		return fetch(url, init)
	}
	const executor = make({ name: 'edge', address: edge.url, key: keys.secret, fetch: counted })
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

const embed = (input: unknown): Call => ({ kind: 'task', model: { name: 'm' }, task: 'embed', input: input as EmbedCall['input'] })

const checkVectors = (output: Output) => {
	if (output.kind !== 'embed') throw new Error('vectors were asked for')
	const [first, second] = output.vectors
	const expected = [expectedVector([2, 4, 5, 3]), expectedVector([2, 3])]
	for (const [i, vector] of [first, second].entries())
		for (const [j, value] of (expected[i] ?? []).entries())
			if (Math.abs((vector?.[j] ?? Number.NaN) - value) > 1e-5) throw new Error(`vector ${i} is ${vector}, not ${expected[i]}`)
	if (output.vectors.length !== 2 || output.tokens !== 6) throw new Error(`${output.vectors.length} vectors of ${output.tokens} tokens`)
}

executorContract('a Spillway edge, asked to embed', {
	make: () =>
		subject({
			make: edgeExecutor,
			call: (model) => ({ kind: 'task', model: { name: 'm', ...model }, task: 'embed', input: ['hello world', ''] }),
			check: checkVectors,
			wrong: {
				'no text': embed([]),
				'a number': embed([1]),
				'no array': embed('hello'),
			},
		}),
})

const x = () => tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
const infer = (tensors: unknown): Call => ({ kind: 'tensors', model: { name: 'tiny' }, tensors: tensors as TensorsCall['tensors'] })

const checkNumbers = (output: Output) => {
	if (output.kind !== 'tensors') throw new Error('tensors were asked for')
	const { y } = output.tensors
	if (String(y?.data) !== String(expectedNumbers) || String(y?.shape) !== '1,3') throw new Error(`answered ${y?.data}`)
}

const tensors = {
	call: (model?: object): Call => ({ kind: 'tensors', model: { name: 'tiny', ...model }, tensors: { x: x() } }),
	check: checkNumbers,
}

executorContract('a Spillway edge, asked for tensors', {
	make: () =>
		subject({
			make: edgeExecutor,
			...tensors,
			wrong: {
				'no tensor': infer({}),
				'another name': infer({ y: x() }),
				'another shape': infer({ x: tensor('FP32', [1, 3], new Float32Array(3)) }),
				'another datatype': infer({ x: tensor('FP64', [1, 4], new Float64Array(4)) }),
				'data that does not fit': infer({ x: { datatype: 'FP32', shape: [1, 4], data: new Float32Array(3) } }),
				'no tensor at all': infer({ x: null }),
			},
		}),
})

// Of other servers only what they refuse themselves is known to be refused rightly.
executorContract('any Open Inference Protocol server, binary', {
	make: () =>
		subject({
			make: serverExecutor,
			...tensors,
			wrong: { 'data that does not fit': infer({ x: { datatype: 'FP32', shape: [1, 4], data: new Float32Array(3) } }) },
		}),
})

executorContract('any Open Inference Protocol server, JSON', {
	make: () =>
		subject({
			make: (options) => serverExecutor({ ...options, binary: false }),
			...tensors,
			wrong: { 'no tensor at all': infer({ x: 'x' }) },
		}),
})
