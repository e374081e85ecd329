// Dynamic batching under whatever may happen: every call settles once, in time, and with its own answer.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SpillwayError } from '../../runtime/core/error.ts'
import type { Priority } from '../../runtime/core/executor.ts'
import { batchingOver, callOf, check, failing, idle } from './batch-inner.ts'
import { context } from './tiny-sessions.ts'

/** Ids that make a run fail: as one row's fault, or as a worker's that is lost. */
const poison = 666
const loss = 667

const oneCall = fc.record({
	/** Milliseconds after which it comes. */
	after: fc.integer({ min: 0, max: 30 }),
	/** Few different rows, so that some are the same. */
	rows: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 12 })).chain(([rows, length]) =>
		fc.array(
			fc.nat(3).map((id) => new Array<number>(length).fill(1 + id)),
			{ minLength: rows, maxLength: rows },
		),
	),
	priority: fc.constantFrom<Priority | undefined>('high', 'normal', 'low', undefined),
	remaining: fc.oneof({ weight: 3, arbitrary: fc.constant(20_000) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 25 }) }),
	/** Milliseconds after which it is given up. */
	abort: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 4 }),
	bad: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(poison, loss) }),
})

const settings = fc.record({
	maxBatch: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
	maxWait: fc.option(fc.nat(10), { nil: undefined }),
	maxWork: fc.integer({ min: 12, max: 100 }),
	width: fc.integer({ min: 1, max: 3 }),
	time: fc.nat(4),
	told: fc.constantFrom('truth', 'nothing', 'constant'),
})

test('every call settles once, with its own answer or with a reason of its own, and nothing is left', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(oneCall, { minLength: 1, maxLength: 25 }), settings, async (calls, { width, time, told, ...bounds }) => {
			const { inner, batched } = batchingOver(
				{
					time: () => time,
					told: (rows) => (told === 'nothing' ? null : told === 'truth' ? time + 0.1 * rows.flat().length : 1),
					fails: (rows) => {
						const ids = rows.flat()
						return ids.includes(loss) ? failing('worker-lost') : ids.includes(poison) ? failing('internal') : undefined
					},
				},
				{ ...bounds, width: () => width },
			)
			let mostUnder = 0
			const settled = await Promise.all(
				calls.map(async ({ after, rows, priority, remaining, abort, bad }) => {
					await new Promise((resolve) => setTimeout(resolve, after))
					const call = callOf(...(bad ? rows.with(0, new Array<number>(rows[0]?.length ?? 1).fill(bad)) : rows))
					const controller = new AbortController()
					const timer = abort === null ? undefined : setTimeout(() => controller.abort(), abort)
					const started = performance.now()
					let times = 0
					try {
						const answering = batched.infer(call, context({ priority, remaining, signal: controller.signal }))
						answering.then(
							() => times++,
							() => times++,
						)
						mostUnder = Math.max(mostUnder, inner.under)
						check(call, await answering)
						expect(bad).toBe(0)
						return 'answered'
					} catch (error) {
						const { code } = error as SpillwayError
						// Each for a reason that it has itself; a lost worker takes along who shared its run.
						if (code === 'internal') expect(bad).toBe(poison)
						else if (code === 'aborted') expect(controller.signal.aborted).toBe(true)
						else if (code === 'deadline-exceeded') expect(remaining).toBeLessThan(100)
						else if (code === 'worker-lost') expect(calls.some((other) => other.bad === loss)).toBe(true)
						else throw error
						return code
					} finally {
						clearTimeout(timer)
						expect(performance.now() - started).toBeLessThan(remaining + 2000)
						await idle(1)
						expect(times).toBe(1)
					}
				}),
			)
			expect(settled).toHaveLength(calls.length)
			expect(mostUnder).toBeLessThanOrEqual(width)
			for (const { rows } of inner.runs) {
				const longest = Math.max(...rows.map(({ length }) => length))
				expect(rows.length * longest).toBeLessThanOrEqual(bounds.maxWork)
				expect(rows.length).toBeLessThanOrEqual(bounds.maxBatch ?? 256)
			}
			await idle(time + 3)
			expect(batched.pending()).toBe(0)
			expect(inner.under).toBe(0)
		}),
		{ numRuns: 60 },
	)
}, 60_000)

test('disposed at any time: every call settles, and nothing is left', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(oneCall, { minLength: 1, maxLength: 12 }), fc.nat(30), async (calls, when) => {
			const { inner, batched } = batchingOver({ time: () => 2 }, { width: () => 2 })
			const answers = calls.map(async ({ after, rows }) => {
				await new Promise((resolve) => setTimeout(resolve, after))
				const call = callOf(...rows)
				try {
					check(call, await batched.infer(call, context()))
				} catch (error) {
					expect(error).toMatchObject({ code: 'disposed' })
				}
			})
			await new Promise((resolve) => setTimeout(resolve, when))
			await batched.dispose()
			await Promise.all(answers)
			await idle(3)
			expect(batched.pending()).toBe(0)
			expect(inner.under).toBe(0)
		}),
		{ numRuns: 30 },
	)
}, 60_000)

test('no row starves under a stream of others that would go first', async () => {
	const { batched } = batchingOver({ time: () => 1, told: (rows) => rows.flat().length / 100 }, { maxBatch: 1 })
	let id = 0
	let over = false
	// More than can be answered, each of them shorter.
	const stream = (async () => {
		const calls: Promise<unknown>[] = []
		while (!over && calls.length < 3000) {
			for (let burst = 0; burst < 4; burst++) calls.push(batched.infer(callOf([1, ++id]), context({ remaining: 60_000 })).catch(() => {}))
			await new Promise((resolve) => setTimeout(resolve, 2))
		}
		return calls.length
	})()
	await idle(10)
	const long = callOf(Array.from({ length: 300 }, (_, index) => 100_000 + index))
	check(long, await batched.infer(long, context({ remaining: 60_000 })))
	over = true
	expect(await stream).toBeLessThan(3000)
	await batched.dispose()
}, 60_000)
