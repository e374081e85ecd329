// Dynamic batching, case by case.

import { describe, expect, test } from 'vitest'
import { type Batching, batching } from '../../runtime/batch/batching.ts'
import type { Answer, TensorsCall } from '../../runtime/core/call.ts'
import type { SpillwayError } from '../../runtime/core/error.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import type { Member } from '../../runtime/device/member.ts'
import { createPool } from '../../runtime/device/pool.ts'
import { batchingOver, callOf, check, echoing, failing, idle, innerOf, rowsOf, together, until } from './batch-inner.ts'
import { context } from './tiny-sessions.ts'

const codes = async (calls: Promise<Answer>[]) =>
	(await Promise.allSettled(calls)).map((result) => (result.status === 'fulfilled' ? 'answered' : (result.reason as SpillwayError).code))

/** So many tokens, that nobody else has. */
const text = (length: number, id: number) => Array.from({ length }, (_, index) => 1 + id * 1000 + index)

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

describe('order', () => {
	test('short before long, the urgent before the rest', async () => {
		const { inner, batched } = batchingOver({}, { maxBatch: 1 })
		const calls = [
			batched.infer(callOf(text(100, 1)), context({ priority: 'low' })),
			batched.infer(callOf(text(200, 2)), context()),
			batched.infer(callOf(text(50, 3)), context()),
			batched.infer(callOf(text(150, 4)), context({ priority: 'high' })),
		]
		await Promise.all(calls)
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

describe('identical rows', () => {
	test('share a run, waiting or running; each answer is its own copy', async () => {
		const { inner, batched } = batchingOver()
		const open = inner.close()
		const first = batched.infer(callOf([1, 2]), context())
		await idle()
		const second = batched.infer(callOf([1, 2]), context())
		const third = batched.infer(callOf([3, 4], [1, 2], [3, 4]), context())
		await idle()
		open()
		const answers = await Promise.all([first, second, third])
		check(callOf([3, 4], [1, 2], [3, 4]), answers[2] as Answer)
		expect(inner.runs.map(({ rows }) => rows)).toEqual([[[1, 2]], [[3, 4]]])
		const [one, two] = answers.map(({ output }) => (output.kind === 'tensors' ? output.tensors.echo?.data : undefined)) as Int32Array[]
		one?.fill(7)
		expect(Array.from(two as Int32Array)).toEqual([1, 2])
	})

	test('a caller who leaves does not disturb the others', async () => {
		const { inner, batched } = batchingOver()
		const open = inner.close()
		const controller = new AbortController()
		const first = batched.infer(callOf([1, 2]), context({ signal: controller.signal }))
		await idle()
		const second = batched.infer(callOf([1, 2]), context())
		await idle()
		controller.abort()
		await expect(first).rejects.toMatchObject({ code: 'aborted' })
		open()
		check(callOf([1, 2]), await second)
		expect(inner.runs).toHaveLength(1)
		expect(inner.runs[0]?.context.signal.aborted).toBe(false)
	})

	test('one who has more time than the run was begun with gets another', async () => {
		const { inner, batched } = batchingOver()
		const open = inner.close()
		const first = codes([batched.infer(callOf([1, 2]), context({ remaining: 300 }))])
		await idle()
		const second = batched.infer(callOf([1, 2]), context())
		expect(await first).toEqual(['deadline-exceeded'])
		await idle()
		open()
		check(callOf([1, 2]), await second)
		expect(inner.runs).toHaveLength(2)
	})

	test('the same numbers in another shape, and another space, are not the same', async () => {
		const { inner, batched } = batchingOver()
		await Promise.all([
			batched.infer(callOf([1, 2]), context()),
			batched.infer(callOf([1], [2]), context()),
			batched.infer({ ...callOf([1, 2]), model: { name: 'echo', space: 'a' } }, context()),
		])
		expect(inner.runs.flatMap(({ rows }) => rows)).toHaveLength(4)
	})
})

describe('failures', () => {
	test.each(['invalid-input', 'internal', 'unsupported', 'too-large'] as const)(
		'%s: only the row whose fault it is fails',
		async (code) => {
			const made = batchingOver({ fails: (rows) => (rows.some(([id]) => id === 13) ? failing(code) : undefined) })
			const ids = [11, 12, 13, 14]
			const [settled] = await together(made, () => [codes(ids.map((id) => made.batched.infer(callOf([id, id]), context())))])
			expect(settled).toEqual(['answered', 'answered', code, 'answered'])
			expect(made.inner.runs.map(({ rows }) => rows.length)).toEqual([4, 1, 1, 1, 1])
			expect(made.batched.pending()).toBe(0)
		},
	)

	test.each(['worker-lost', 'unavailable', 'disposed', 'network'] as const)('%s is told to all', async (code) => {
		const made = batchingOver({ fails: ([row]) => (row?.[0] === 999_999 ? undefined : failing(code)) })
		const [settled] = await together(made, () => [codes([1, 2, 3].map((id) => made.batched.infer(callOf([id]), context())))])
		expect(settled).toEqual([code, code, code])
		expect(made.inner.runs).toHaveLength(1)
	})

	test('a failing row fails its call, whose other rows are not run any more', async () => {
		const { inner, batched } = batchingOver({ fails: (rows) => (rows[0]?.[0] === 1 ? failing('internal') : undefined) }, { maxBatch: 1 })
		const call = callOf(...Array.from({ length: 100 }, (_, id) => [id + 1]))
		await expect(batched.infer(call, context())).rejects.toMatchObject({ code: 'internal' })
		await idle()
		expect(inner.runs.length).toBeLessThan(5)
		expect(batched.pending()).toBe(0)
	})

	test('batches that fail though none of their rows does become smaller', async () => {
		const made = batchingOver({ fails: (rows) => (rows.length > 4 ? failing('internal') : undefined) })
		const round = async (from: number) => {
			const calls = Array.from({ length: 8 }, (_, id) => callOf([from + id]))
			await together(made, () => calls.map((call) => made.batched.infer(call, context())))
			return made.inner.runs.map(({ rows }) => rows.length)
		}
		expect(await round(100)).toEqual([8, 1, 1, 1, 1, 1, 1, 1, 1])
		expect(await round(200)).toEqual([4, 4])
	})

	test('an executor that answers with fewer rows than it was asked is not believed', async () => {
		const { inner, batched } = batchingOver()
		const infer = inner.infer.bind(inner)
		inner.infer = async (call, more) => {
			const answer = await infer(call, more)
			const sum = tensor('FP32', [1], Float32Array.of(0))
			return { ...answer, output: { kind: 'tensors', tensors: { ...(answer.output as { tensors: object }).tensors, sum } } }
		}
		await expect(batched.infer(callOf([1], [2]), context())).rejects.toMatchObject({ code: 'upstream' })
	})
})

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

describe('deadlines', () => {
	/** Batching to which runs have happened that took 10 ms for each token. */
	async function measured(more = {}) {
		const made = batchingOver({ told: (rows) => 20 + 10 * rows.flat().length }, more)
		for (const length of [2, 10, 5]) await made.batched.infer(callOf(text(length, length)), context())
		return made
	}

	test('a call that cannot be in time leaves at once', async () => {
		const { inner, batched } = await measured()
		const open = inner.close()
		const first = batched.infer(callOf(text(2, 50)), context())
		await idle()
		const started = performance.now()
		await expect(batched.infer(callOf(text(100, 51)), context({ remaining: 500 }))).rejects.toMatchObject({ code: 'deadline-exceeded' })
		expect(performance.now() - started).toBeLessThan(400)
		// It may be shorter than anything that was measured.
		const short = batched.infer(callOf(text(2, 52)), context({ remaining: 500 }))
		open()
		check(callOf(text(2, 50)), await first)
		check(callOf(text(2, 52)), await short)
	})

	test('just after a run that was slow, as the first ones are, nobody is given up for it', async () => {
		let runs = 0
		let took = 0
		const { batched } = batchingOver({ time: () => (took = runs++ === 0 ? 200 : 1), told: () => took })
		await batched.infer(callOf(text(8, 0)), context())
		const calls = Array.from({ length: 20 }, (_, id) => callOf(text(8, id + 1)))
		const answers = await Promise.all(calls.map((call) => batched.infer(call, context({ remaining: 1000 }))))
		for (const [index, answer] of answers.entries()) check(calls[index] as TensorsCall, answer)
	})

	test('lone runs do not tell how fast a batch may be', async () => {
		// As on a GPU, where a batch takes no longer than a row.
		const { batched } = batchingOver({ told: () => 50 })
		for (let id = 0; id < 4; id++) await batched.infer(callOf(text(5 + id, id)), context())
		const calls = Array.from({ length: 40 }, (_, id) => callOf(text(8, id + 10)))
		expect(await codes(calls.map((call) => batched.infer(call, context({ remaining: 1000 }))))).toEqual(calls.map(() => 'answered'))
	})

	test('where there is no batch they do', async () => {
		const { inner, batched } = batchingOver({ told: () => 50 }, { maxBatch: 1 })
		for (let id = 0; id < 4; id++) await batched.infer(callOf(text(8, id)), context())
		const open = inner.close()
		const settled = codes(Array.from({ length: 40 }, (_, id) => batched.infer(callOf(text(8, id + 10)), context({ remaining: 1000 }))))
		await idle()
		// Calls and rows.
		expect(batched.pending()).toBeLessThan(70)
		open()
		expect(new Set(await settled)).toEqual(new Set(['answered', 'deadline-exceeded']))
	})

	test('nobody is given up whom more runs at a time may help', async () => {
		const grown = { width: () => 1, mostWidth: () => 8 }
		const { batched } = batchingOver({ told: () => 50 }, { maxBatch: 1, ...grown })
		for (let id = 0; id < 4; id++) await batched.infer(callOf(text(8, id)), context())
		const calls = Array.from({ length: 40 }, (_, id) => callOf(text(8, id + 10)))
		expect(await codes(calls.map((call) => batched.infer(call, context({ remaining: 1000 }))))).toEqual(calls.map(() => 'answered'))
	})

	test('the run gets the time of the one who has most', async () => {
		const made = batchingOver()
		const { inner, batched } = made
		await together(made, () => [1000, 5000, 3000].map((remaining, id) => batched.infer(callOf([id]), context({ remaining }))))
		expect(inner.runs[0]?.context.remaining).toBeGreaterThan(4000)
		expect(inner.runs[0]?.context.remaining).toBeLessThanOrEqual(5000)
	})

	test('estimates: what waits, and how long a call of its size takes', async () => {
		const { inner, batched } = await measured()
		expect(batched.estimate(callOf(text(10, 60)))).toMatchObject({ can: 'now', queue: 0 })
		expect(batched.estimate(callOf(text(10, 60))).run).toBeCloseTo(120, 0)
		const open = inner.close()
		const calls = [1, 2, 3, 4].map((id) => batched.infer(callOf(text(10, id + 60)), context()))
		await idle()
		expect(batched.estimate(callOf(text(10, 70))).queue).toBeGreaterThan(100)
		expect(batched.batchPace()).toMatchObject({ width: 1 })
		open()
		await Promise.all(calls)
		expect(batched.estimate(callOf(text(10, 60))).queue).toBe(0)
	})
})

describe('the context of a run', () => {
	test('where no call has the time that a run takes, runs that are given up tell how long it is', async () => {
		const member: Member = {
			memory: 0,
			lay: () => {},
			over: new AbortController().signal,
			end: () => {},
			// It cannot be interrupted.
			ask: (call, asked) => innerOf({ time: () => 60 }).infer(call, context({ trace: asked.trace })),
		}
		let batched: Batching | undefined
		const pool = await createPool({
			name: 'device',
			most: 1,
			work: () => 1,
			start: async () => member,
			onUnheard: (call, ran) => batched?.learn(call as TensorsCall, ran),
		})
		batched = batching({ manifest: echoing, width: () => pool.width })(pool)
		const given = batched.infer(callOf(text(6, 1), text(6, 2)), context({ remaining: 20 }))
		expect(await codes([given])).toEqual(['deadline-exceeded'])
		expect(batched.batchPace()).toBeNull()
		await until(() => batched?.batchPace() !== null)
		expect(batched.batchPace()?.perUnit).toBeCloseTo(5)
		await batched.dispose()
	})

	test('as many hops, retries and as much urgency as the call that has most', async () => {
		const made = batchingOver()
		const { inner, batched } = made
		const budgets = [{ left: 1 }, { left: 3 }, { left: 0 }]
		const infer = inner.infer.bind(inner)
		let given = -1
		inner.infer = (call, more) => {
			given = more.retries.left
			more.retries.left -= 2
			return infer(call, more)
		}
		await together(made, () =>
			budgets.map((retries, id) => batched.infer(callOf([id]), context({ retries, hops: id, priority: id === 1 ? 'high' : 'low' }))),
		)
		expect(given).toBe(3)
		// What was spent was spent for each of them.
		expect(budgets.map(({ left }) => left)).toEqual([0, 1, 0])
		expect(inner.runs[0]?.context).toMatchObject({ hops: 2, priority: 'high' })
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
