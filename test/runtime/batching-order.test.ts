// Dynamic batching: whose turn it is.

import { describe, expect, test, vi } from 'vitest'
import { batchingOver, callOf, idle, text } from './batch-inner.ts'
import { context } from './tiny-sessions.ts'

describe('order', () => {
	test('short before long, the urgent before the rest', async () => {
		const { inner, batched } = batchingOver({}, { maxBatch: 1 })
		// All in one moment, however slow the machine.
		vi.useFakeTimers({ toFake: ['performance'] })
		const calls = [
			batched.infer(callOf(text(100, 1)), context({ priority: 'low' })),
			batched.infer(callOf(text(200, 2)), context()),
			batched.infer(callOf(text(50, 3)), context()),
			batched.infer(callOf(text(150, 4)), context({ priority: 'high' })),
		]
		await Promise.all(calls).finally(() => vi.useRealTimers())
		expect(inner.runs.map(({ rows }) => rows[0]?.length)).toEqual([150, 50, 200, 100])
	})

	test('a call of thousands of rows leaves room between them for one of another caller', async () => {
		const { inner, batched } = batchingOver({ time: () => 1 }, { maxBatch: 4 })
		const many = batched.infer(callOf(...Array.from({ length: 2000 }, (_, id) => text(5, id))), context())
		await idle(30)
		const before = inner.runs.length
		await batched.infer(callOf(text(40, 3000)), context())
		expect(inner.runs.length - before).toBeLessThan(10)
		await many
	})

	test('the time in the queue is told', async () => {
		const { inner, batched } = batchingOver({}, { maxBatch: 1 })
		const open = inner.close()
		const calls = [1, 2].map((id) => batched.infer(callOf(text(2, id)), context()))
		await new Promise((resolve) => setTimeout(resolve, 40))
		open()
		const [first, second] = await Promise.all(calls)
		expect(second?.ran.queue).toBeGreaterThan(30)
		expect(second?.ran.queue).toBeGreaterThan(first?.ran.queue ?? 0)
	})
})
