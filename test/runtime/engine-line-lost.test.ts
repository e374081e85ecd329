// A text that was begun by a line, when its worker dies.

import { describe, expect, test } from 'vitest'
import { batching } from '../../runtime/batch/batching.ts'
import type { Answer, Call, TensorsCall } from '../../runtime/core/call.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { onceOver } from '../../runtime/device/once.ts'
import type { Pool } from '../../runtime/device/pool.ts'
import { ends } from './engine-line-texts.ts'
import { call, grown, makePool, type Script, settled, sleep, until } from './engine-pool-members.ts'
import { packed, textDescription, textTensors } from './tiny.ts'
import { context } from './tiny-sessions.ts'

describe('a text that was begun, when its worker dies', () => {
	/** Session workers that run what comes by a line, too, for `time` ms, and the calls that each has run. */
	async function workers(most: number, time = 0) {
		const runs: number[][] = []
		const lines: ((call: TensorsCall) => Promise<Answer>)[] = []
		const worker: Script = (inner) => {
			const own: number[] = []
			runs.push(own)
			const run = async (call: Call, context: Context) => {
				own.push(Number((call as TensorsCall).tensors.ids?.data[1]))
				await sleep(time)
				return inner(call, context)
			}
			const { first, again } = onceOver((call) => run(call, context()), run)
			lines.push(first)
			return again
		}
		const { pool, members, started } = await makePool(most, [worker])
		ends.push(() => void pool.dispose().then(() => members.session.dispose()))
		const { manifest } = await packed(textDescription())
		const engine = batching({ manifest, width: () => pool.width })(pool)
		/** By a line to a worker, whatever becomes of it. */
		const begin = (id: number, worker = 0) => void lines[worker]?.(call(id)).catch(() => {})
		/** As the engine does with what the first worker has begun. */
		const ask = (id: number) => settled([engine.infer(call(id), context({ begun: true, begunBy: started[0]?.member.over }))])
		/** Kills a worker once it runs the call. */
		const killAt = async (worker: number, id: number) => {
			await until(() => runs[worker]?.includes(id) ?? false)
			started[worker]?.kill()
		}
		return { pool, engine, started, runs, begin, ask, killAt }
	}

	test('is lost with the next one: that had its replay', async () => {
		const { runs, begin, ask, killAt } = await workers(1, 50)
		begin(4)
		await killAt(0, 4)
		const [told] = await Promise.all([ask(4), killAt(1, 4)])
		expect([told, runs.slice(0, 2)]).toEqual([['worker-lost'], [[4], [4]]])
		await sleep(50)
		expect(runs.flat()).toEqual([4, 4])
	})

	test('is replayed once when the engine had asked that worker', async () => {
		for (const deaths of [1, 2]) {
			const { started, runs, begin, ask, killAt } = await workers(1, 50)
			begin(4)
			const told = ask(4)
			await until(() => started[0]?.calls.length === 1)
			for (let worker = 0; worker < deaths; worker++) await killAt(worker, 4)
			expect(await told).toEqual([deaths === 1 ? 'answered' : 'worker-lost'])
			expect(runs.flat()).toEqual([4, 4])
		}
	})

	test('is replayed once as any call, when it was the other worker that died', async () => {
		const { pool, engine, runs, ask, killAt } = await workers(2, 50)
		await grownBeside(pool, engine)
		const busy = engine.infer(call(5), context())
		await until(() => runs[0]?.includes(5) ?? false)
		const [told] = await Promise.all([ask(4), killAt(1, 4)])
		await busy
		expect([told, runs.flat().filter((id) => id === 4)]).toEqual([['answered'], [4, 4]])
	})

	test('is asked of that worker when it is free, whatever else comes in the same moment', async () => {
		const { pool, engine, runs, begin, ask } = await workers(2, 50)
		await grownBeside(pool, engine)
		begin(4)
		const all = [settled([engine.infer({ ...call(), tensors: textTensors([[7]]) }, context())]), ask(4)]
		expect(await Promise.all(all)).toEqual([['answered'], ['answered']])
		expect(runs.flat().filter((id) => id === 4)).toHaveLength(1)
	})

	async function grownBeside(pool: Pool, engine: Executor) {
		const calls = [6, 8].map((id) => engine.infer(call(id), context()))
		await Promise.all([grown(pool, 2), ...calls])
	}
})
