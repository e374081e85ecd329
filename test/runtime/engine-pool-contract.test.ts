// The executor contract, held by the engine's pool alone, with one worker and with two.

import type { TensorsCall } from '../../runtime/core/call.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { executorContract, type Subject } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { call, grown, makePool, type Script } from './engine-pool-members.ts'
import { expectedVector } from './tiny.ts'
import { context } from './tiny-sessions.ts'

async function pool(workers: number): Promise<Subject> {
	const gate = makeGate()
	const gated: Script = (inner) => async (call, context) => {
		await gate.passed()
		return inner(call, context)
	}
	const { pool, members } = await makePool(workers, [gated])
	const open = gate.close()
	const calls = Array.from({ length: 4 }, () => pool.infer(call(), context()))
	await grown(pool, workers)
	open()
	await Promise.all(calls)
	const withTensors = (tensors: unknown): TensorsCall => ({ ...call(), tensors: tensors as Tensors })
	return {
		executor: pool,
		call: (more) => ({ ...call(), model: { ...call().model, ...more } }),
		check(output) {
			if (output.kind !== 'tensors') throw new Error('tensors were asked for')
			const { vector } = output.tensors
			for (const [at, value] of expectedVector([2, 4, 3]).entries())
				if (Math.abs(Number(vector?.data[at]) - value) > 1e-5) throw new Error(`answered ${vector?.data}`)
		},
		wrong: {
			'no tensor': withTensors({}),
			'one missing': withTensors({ ids: call().tensors.ids }),
			'another shape': withTensors({ ...call().tensors, ids: tensor('INT64', [3], new BigInt64Array(3)) }),
			'no tensor at all': withTensors({ ...call().tensors, ids: null }),
			'what cannot be sent': withTensors({ ids: () => {} }),
		},
		hops: 0,
		hold: gate.close,
		sent: () => members.loads.reduce((sum, load) => sum + load, 0),
		close: () => members.session.dispose(),
	}
}

executorContract('a pool of one worker', { make: () => pool(1) })
executorContract('a pool of two workers', { make: () => pool(2) })
