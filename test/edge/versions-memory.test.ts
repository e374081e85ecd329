// Memory for models: who gives it back, who waits for it, and executors that are unloaded for it.

import { describe, expect, test } from 'vitest'
import { loading } from '../../edge/platform/loading.ts'
import { memoryBudget, type Resident } from '../../edge/versions/budget.ts'
import { provenance } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { traceParent } from '../../runtime/core/trace.ts'

describe('memory for models', () => {
	const resident = (what: string, more: Partial<Resident> = {}) => {
		const one = { what, kept: () => false, busy: () => false, unloaded: 0, unload: async () => {}, ...more }
		return one
	}

	test('is given back by who was used longest ago', async () => {
		const budget = memoryBudget(100)
		const gone: string[] = []
		const make = (what: string, more: Partial<Resident> = {}) => {
			const one: Resident = resident(what, {
				unload: async () => {
					gone.push(what)
					budget.free(one)
				},
				...more,
			})
			return one
		}
		const [a, b] = [make('a'), make('b')]
		await budget.take(a, 40)
		await budget.take(b, 40)
		budget.touch(a)
		await budget.take(make('kept', { kept: () => true }), 40)
		expect(gone).toEqual(['b'])
		await budget.take(make('c'), 60)
		expect([gone, budget.used]).toEqual([['b', 'a'], 100])
		await expect(budget.take(make('large'), 101)).rejects.toMatchObject({ code: 'out-of-memory' })
	})

	test('is waited for while all are in use, and then refused with the time to come back', async () => {
		const budget = memoryBudget(100, { patience: 60 })
		let busy = true
		const one: Resident = resident('busy', { busy: () => busy, unload: async () => budget.free(one) })
		await budget.take(one, 100)
		await expect(budget.take(resident('late'), 50)).rejects.toMatchObject({ code: 'unavailable', retryAfter: expect.any(Number) })
		const waiting = budget.take(resident('patient'), 50)
		busy = false
		budget.idle()
		await waiting
		expect(budget.used).toBe(50)
	})
})

describe('an executor that is unloaded', () => {
	const context = () => ({ remaining: 5_000, signal: new AbortController().signal, hops: 0, retries: { left: 0 }, trace: traceParent() })
	const call = { kind: 'tensors' as const, model: { name: 'm' }, tensors: {} }

	function make(budget = memoryBudget(100), bytes = 60, took = 5) {
		let [loads, running, disposedBusy] = [0, 0, false]
		const executor = loading({
			name: 'edge',
			what: 'm 1',
			accepts: ['tensors'],
			budget,
			kept: () => false,
			async load(reserve) {
				await reserve(bytes)
				loads++
				let disposed = false
				return {
					name: 'edge',
					accepts: ['tensors'],
					estimate: () => ({ can: 'now', queue: 0, run: 1 }),
					async infer() {
						if (disposed) throw new Error('it is gone')
						running++
						await new Promise((resolve) => setTimeout(resolve, took))
						running--
						return { output: { kind: 'tensors', tensors: {} }, ran: provenance('edge', { name: 'm' }) }
					},
					async dispose() {
						disposed = true
						disposedBusy ||= running > 0
					},
				} satisfies Executor
			},
		})
		return { executor, loads: () => loads, disposedBusy: () => disposedBusy }
	}

	test('lets its calls end, and is loaded by the next one', async () => {
		const { executor, loads, disposedBusy } = make()
		const calls = [1, 2, 3].map(() => executor.infer(call, context()))
		await executor.loaded()
		expect(executor.state()).toEqual({ state: 'ready' })
		const [unloaded, later] = [executor.unload(), executor.infer(call, context())]
		await Promise.all([...calls, unloaded, later])
		expect([loads(), disposedBusy()]).toEqual([2, false])
		await executor.unload()
		expect(executor.state()).toEqual({ state: 'unloaded' })
	})

	test('three that have room for one are all answered, over and over', async () => {
		const budget = memoryBudget(100)
		const all = [make(budget), make(budget), make(budget)]
		await Promise.all(Array.from({ length: 60 }, (_, at) => all[at % 3]?.executor.infer(call, context())))
		expect(budget.used).toBeLessThanOrEqual(100)
		expect(all.some((one) => one.disposedBusy())).toBe(false)
		await Promise.all(all.map(({ executor }) => executor.dispose()))
		expect(budget.used).toBe(0)
	})
})
