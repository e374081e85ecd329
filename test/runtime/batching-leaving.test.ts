// Dynamic batching: calls that are given up, and the end of it all.

import { describe, expect, test } from 'vitest'
import { batchingOver, callOf, codes, failing, idle } from './batch-inner.ts'
import { context } from './tiny-sessions.ts'

describe('leaving', () => {
	test('a cancelled call takes its rows out, also those of a run that has not begun', async () => {
		const { inner, batched } = batchingOver({}, { maxBatch: 1 })
		const open = inner.close()
		const controller = new AbortController()
		const first = batched.infer(callOf([1]), context())
		const others = [2, 3].map((id) => batched.infer(callOf([id]), context({ signal: controller.signal })))
		await idle()
		controller.abort()
		expect(await codes(others)).toEqual(['aborted', 'aborted'])
		expect(batched.pending()).toBe(2)
		open()
		await first
		expect(inner.runs).toHaveLength(1)
		expect(batched.pending()).toBe(0)
	})

	test('it leaves nothing to be run, even when the next run begins the moment its own is aborted', async () => {
		const { inner, batched } = batchingOver({}, { width: () => 2 })
		const open = inner.close()
		const [first, second] = [new AbortController(), new AbortController()]
		const calls = [batched.infer(callOf([1]), context({ signal: first.signal }))]
		await idle()
		inner.runs[0]?.context.signal.addEventListener('abort', () => batched.next())
		// The second waits with one row, and shares the run under way with the other.
		calls.push(batched.infer(callOf([2], [1]), context({ signal: second.signal })), batched.infer(callOf([3]), context()))
		for (let turn = 0; turn < 5; turn++) await Promise.resolve()
		first.abort()
		second.abort()
		open()
		expect(await codes(calls)).toEqual(['aborted', 'aborted', 'answered'])
		expect(inner.runs.map(({ rows }) => rows)).toEqual([[[1]], [[3]]])
		expect(batched.pending()).toBe(0)
	})

	test('a run is told when nobody waits for it any more, not before', async () => {
		const { inner, batched } = batchingOver()
		const open = inner.close()
		const controllers = [new AbortController(), new AbortController()]
		const calls = controllers.map(({ signal }, id) => batched.infer(callOf([id]), context({ signal })))
		await idle()
		const signal = inner.runs[0]?.context.signal
		controllers[0]?.abort()
		expect(signal?.aborted).toBe(false)
		controllers[1]?.abort()
		expect(signal?.aborted).toBe(true)
		expect(await codes(calls)).toEqual(['aborted', 'aborted'])
		open()
		await idle()
		expect(batched.pending()).toBe(0)
	})

	test('disposed: all settle, and nothing is left', async () => {
		const { inner, batched } = batchingOver({}, { maxBatch: 1 })
		inner.close()
		const calls = [1, 2, 3].map((id) => batched.infer(callOf([id]), context()))
		await idle()
		await batched.dispose()
		expect(await codes(calls)).toEqual(['disposed', 'disposed', 'disposed'])
		expect(await codes([batched.infer(callOf([4]), context())])).toEqual(['disposed'])
		await idle()
		expect(batched.pending()).toBe(0)
		expect(batched.estimate(callOf([1]))).toMatchObject({ can: 'no', reason: 'unhealthy' })
	})

	test('one that cannot go on is asked all the same, and its reason told', async () => {
		const { inner, batched } = batchingOver({ fails: () => failing('worker-lost') }, { width: () => 0 })
		const call = batched.infer(callOf([1]), context())
		await idle()
		expect(inner.runs).toHaveLength(0)
		await inner.dispose()
		batched.next()
		await expect(call).rejects.toMatchObject({ code: 'worker-lost' })
	})
})
