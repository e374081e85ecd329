// Dynamic batching: which calls share a run, and what is cut to fit into one.

import { describe, expect, test } from 'vitest'
import type { Answer, TensorsCall } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { batchingOver, callOf, check, echoing, idle, rowsOf, text, together } from './batch-inner.ts'
import { context } from './tiny-sessions.ts'

describe('joining', () => {
	test('calls that wait together share a run, and each gets its own', async () => {
		const made = batchingOver()
		const calls = [3, 5, 4].map((length, id) => callOf(text(length, id)))
		const answers = await together(made, () => calls.map((call) => made.batched.infer(call, context())))
		for (const [index, call] of calls.entries()) check(call, answers[index] as Answer)
		expect(made.inner.runs).toHaveLength(1)
		expect(answers.map(({ ran }) => ran.batch)).toEqual([3, 3, 3])
	})

	test('calls of one turn of the event loop do so from the first', async () => {
		const { inner, batched } = batchingOver({}, { soon: (callback) => setTimeout(callback, 20) })
		await Promise.all([1, 2].map((id) => batched.infer(callOf([id]), context())))
		expect(inner.runs).toHaveLength(1)
	})

	test('where calls are seen to come one by one, the next begins at once; what one call was cut into is joined all the same', async () => {
		const turns: (() => void)[] = []
		const { inner, batched } = batchingOver({}, { soon: (callback) => turns.push(callback) })
		const turn = () => {
			for (const callback of turns.splice(0)) callback()
		}
		const one = async (id: number) => {
			const answer = batched.infer(callOf([id]), context())
			turn()
			await answer
			await new Promise((resolve) => setTimeout(resolve, 20))
		}
		await one(1)
		await one(2)
		const lone = batched.infer(callOf([3]), context())
		expect(inner.runs).toHaveLength(3)
		await lone
		const parts = [4, 5].map((id) => batched.infer(callOf([id]), { ...context(), part: true }))
		expect(inner.runs).toHaveLength(3)
		turn()
		await Promise.all(parts)
		expect(inner.runs.map(({ rows }) => rows.length)).toEqual([1, 1, 1, 2])
	})

	test('what comes while a run is under way goes into the next', async () => {
		const { inner, batched } = batchingOver()
		const open = inner.close()
		const first = batched.infer(callOf(text(3, 0)), context())
		await idle()
		const others = [1, 2, 3, 4].map((id) => batched.infer(callOf(text(3, id)), context()))
		await idle()
		expect(inner.runs).toHaveLength(1)
		open()
		const answers = await Promise.all([first, ...others])
		expect(inner.runs.map(({ rows }) => rows.length)).toEqual([1, 4])
		expect(answers[1]?.ran.queue).toBeGreaterThan(0)
	})

	test('as many runs are under way as there is room for, and more when there is more', async () => {
		let width = 1
		const told: number[] = []
		const { inner, batched } = batchingOver({}, { width: () => width, maxBatch: 1, onWaiting: (backlog) => told.push(backlog) })
		const open = inner.close()
		const calls = [1, 2, 3, 4].map((id) => batched.infer(callOf(text(3, id)), context()))
		await idle()
		expect(inner.under).toBe(1)
		expect(told.length).toBeGreaterThan(0)
		width = 3
		batched.next()
		expect(inner.under).toBe(3)
		open()
		await Promise.all(calls)
		expect(batched.pending()).toBe(0)
	})

	test('a call that is too big is several runs, and one answer in order', async () => {
		const { inner, batched } = batchingOver({}, { maxBatch: 4, maxWork: 10 })
		const call = callOf(...Array.from({ length: 1000 }, (_, id) => text(4, id)))
		const { output, ran } = await batched.infer(call, context())
		check(call, { output, ran })
		expect(ran.batch).toBe(2)
		expect(inner.runs).toHaveLength(500)
	})

	test('its time in runs is counted once for each run', async () => {
		const { batched } = batchingOver({ told: () => 7 }, { maxBatch: 4 })
		const { ran } = await batched.infer(callOf(...[1, 2, 3, 4, 5, 6, 7, 8].map((id) => text(4, id))), context())
		expect(ran).toMatchObject({ run: 14, batch: 4 })
	})

	test('a row over the limit is too large, a bad shape is invalid', async () => {
		const { batched } = batchingOver({}, { maxWork: 3 })
		await expect(batched.infer(callOf([1, 2, 3, 4]), context())).rejects.toMatchObject({
			code: 'too-large',
			message: expect.stringContaining('the limit is 3'),
		})
		await expect(batched.infer({ ...callOf([1]), tensors: {} }, context())).rejects.toMatchObject({ code: 'invalid-input' })
	})

	test('a row of any size runs alone, where no limit was given', async () => {
		const made = batchingOver({}, { manifest: { ...echoing, axes: { batch: {}, tokens: {} } } })
		const calls = [callOf(text(3000, 1)), callOf(text(4, 2)), callOf(text(4, 3))]
		const answers = await together(made, () => calls.map((call) => made.batched.infer(call, context())))
		for (const [index, call] of calls.entries()) check(call, answers[index] as Answer)
		expect(made.inner.runs.map(({ rows }) => rows.length).sort()).toEqual([1, 2])
	})

	test('without pad values only rows of one size are joined', async () => {
		const inputs = [{ name: 'ids', datatype: 'INT32' as const, shape: ['batch', 'tokens'] }]
		const made = batchingOver({}, { manifest: { ...echoing, inputs } })
		const calls = [3, 4, 3, 4].map((length, id) => callOf(text(length, id)))
		const answers = await together(made, () => calls.map((call) => made.batched.infer(call, context())))
		for (const [index, call] of calls.entries()) check(call, answers[index] as Answer)
		expect(made.inner.runs.map(({ rows }) => rows.length)).toEqual([2, 2])
	})

	test('calls for different versions or spaces are never joined', async () => {
		const { inner, batched } = batchingOver()
		await Promise.all(
			[{}, { version: '1.0.0' }, { space: 'a' }].map((more) =>
				batched.infer({ ...callOf([1, 2]), model: { name: 'echo', ...more } }, context()),
			),
		)
		expect(inner.runs.map(({ rows }) => rows.length)).toEqual([1, 1, 1])
	})

	test('an input without the batch axis belongs to its call: only rows of that are joined', async () => {
		const scale = { name: 'scale', datatype: 'INT32' as const, shape: [1] }
		const { inner, batched } = batchingOver({}, { manifest: { ...echoing, inputs: [...echoing.inputs, scale] } })
		const withScale = (call: TensorsCall, value: number): TensorsCall => ({
			...call,
			tensors: { ...call.tensors, scale: tensor('INT32', [1], Int32Array.of(value)) },
		})
		await Promise.all([batched.infer(withScale(callOf([1], [2]), 1), context()), batched.infer(withScale(callOf([1], [3]), 2), context())])
		expect(inner.runs.map(({ rows }) => rows.length)).toEqual([2, 2])
	})

	test('a model without a batch axis has its calls run one by one, in order of urgency', async () => {
		const manifest = {
			...echoing,
			inputs: [{ name: 'ids', datatype: 'INT32' as const, shape: ['rows', 'tokens'] }],
			axes: { rows: {}, tokens: {} },
		}
		const { inner, batched } = batchingOver({}, { manifest })
		const low = batched.infer(callOf([1, 2], [3, 4]), context({ priority: 'low' }))
		const high = batched.infer(callOf([5, 6], [7, 8]), context({ priority: 'high' }))
		check(callOf([1, 2], [3, 4]), await low)
		check(callOf([5, 6], [7, 8]), await high)
		expect(inner.runs.map(({ rows }) => rows[0]?.[0])).toEqual([5, 1])
	})
})

describe('waiting for more', () => {
	/** A high fixed cost, and callers that come again soon after they were answered. @returns rows of a run, on average. */
	async function rounds(maxWait: number) {
		const { inner, batched } = batchingOver({ time: () => 40, told: (rows) => 40 + 0.01 * rows.flat().length }, { maxWait, maxBatch: 8 })
		let id = 0
		await Promise.all(
			Array.from({ length: 4 }, async (_, caller) => {
				for (let round = 0; round < 15; round++) {
					id++
					await batched.infer(callOf(text(1 + (id % 20), id)), context())
					await new Promise((resolve) => setTimeout(resolve, 2 + 3 * caller))
				}
			}),
		)
		expect(batched.pending()).toBe(0)
		return id / inner.runs.length
	}

	test('those who come again meet in one run; with a maxWait of 0 nobody waits for them', async () => {
		const [waiting, not] = await Promise.all([rounds(100), rounds(0)])
		expect(waiting).toBeGreaterThan(not)
	})
})

test('rows are cut only as they are wanted: a huge call is neither copied whole nor in the way', async () => {
	const { inner, batched } = batchingOver({}, { maxBatch: 2 })
	const open = inner.close()
	const controller = new AbortController()
	const ids = tensor(
		'INT32',
		[100_000, 1],
		new Int32Array(100_000).map((_, id) => id),
	)
	const huge = batched.infer({ ...callOf([1]), tensors: { ids } }, context({ signal: controller.signal }))
	await idle()
	expect(batched.pending()).toBeLessThan(300)
	controller.abort()
	await expect(huge).rejects.toMatchObject({ code: 'aborted' })
	open()
	await idle()
	expect(batched.pending()).toBe(0)
	expect(rowsOf({ ids }).length).toBe(100_000)
})
