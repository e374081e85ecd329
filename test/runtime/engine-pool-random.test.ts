// The engine's pool under whatever can happen in whatever order: every call settles, rightly and in time, and nothing is left.

import { getEventListeners } from 'node:events'
import { type Arbitrary, array, assert, asyncProperty, constant, constantFrom, integer, oneof, record } from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Answer, TensorsOutput } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { createPool } from '../../runtime/device/pool.ts'
import { call, Members, type Script, sleep } from './engine-pool-members.ts'
import { expectedVector } from './tiny.ts'
import { context, tinySession } from './tiny-sessions.ts'

type Step =
	| { kind: 'call'; id: number; remaining: number; abortAfter: number | null }
	| { kind: 'kill'; which: number }
	| { kind: 'want'; backlog: number }
	| { kind: 'most'; most: number }
	| { kind: 'refuse'; refuse: boolean }
	| { kind: 'wait'; time: number }

const step: Arbitrary<Step> = oneof(
	{
		weight: 8,
		arbitrary: record({
			kind: constant('call' as const),
			id: integer({ min: 4, max: 13 }),
			remaining: constantFrom(5, 40, 5_000),
			abortAfter: constantFrom(null, null, null, 0, 8),
		}),
	},
	{ weight: 1, arbitrary: record({ kind: constant('kill' as const), which: integer({ min: 0, max: 3 }) }) },
	{ weight: 2, arbitrary: record({ kind: constant('want' as const), backlog: constantFrom(0, 10, 1e6) }) },
	{ weight: 1, arbitrary: record({ kind: constant('most' as const), most: integer({ min: 1, max: 4 }) }) },
	{ weight: 1, arbitrary: record({ kind: constant('refuse' as const), refuse: constantFrom(true, false, false) }) },
	{ weight: 3, arbitrary: record({ kind: constant('wait' as const), time: integer({ min: 0, max: 15 }) }) },
)

let session: Executor
beforeAll(async () => {
	session = await tinySession('cpu')
})
afterAll(() => session.dispose())

/** Answers, now and then after a while, and now and then never. */
const moody: Script = (inner) => {
	let calls = 0
	return async (call, context) => {
		calls++
		if (calls % 17 === 0) await new Promise<never>(() => {})
		await sleep(calls % 4)
		return inner(call, context)
	}
}

test('every call settles, rightly and in time, and nothing is left', { timeout: 120_000 }, async () => {
	await assert(
		asyncProperty(array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
			const members = new Members(session, [moody])
			const failures: SpillwayError[] = []
			const pool = await createPool({
				name: 'device',
				most: 3,
				grace: 30,
				idle: 20,
				work: () => 1,
				start: members.start,
				onFailed: (error) => failures.push(error),
			})
			let most = 3
			const signals: AbortSignal[] = []
			const outcomes: Promise<void>[] = []
			for (const step of steps) {
				if (step.kind === 'call') {
					const controller = new AbortController()
					signals.push(controller.signal)
					if (step.abortAfter !== null) setTimeout(() => controller.abort(), step.abortAfter)
					const began = performance.now()
					const answer = pool.infer(call(step.id), context({ remaining: step.remaining, signal: controller.signal }))
					outcomes.push(
						answer.then(
							(answer) => expect(vectorOf(answer)).toEqual(expectedVector([2, step.id, 3]).map((value) => expect.closeTo(value, 5))),
							(error) => {
								expect(error).toBeInstanceOf(SpillwayError)
								const { code } = error as SpillwayError
								const codes = ['worker-lost', 'deadline-exceeded', 'disposed', ...(step.abortAfter === null ? [] : ['aborted'])]
								// Only where the last worker cannot be replaced.
								if (failures.length > 0) codes.push('out-of-memory')
								expect(codes).toContain(code)
								if (code === 'deadline-exceeded') expect(performance.now() - began).toBeGreaterThanOrEqual(step.remaining - 2)
							},
						),
					)
				} else if (step.kind === 'kill') members.living[step.which % Math.max(1, members.living.length)]?.kill()
				else if (step.kind === 'want') pool.want(step.backlog)
				else if (step.kind === 'most') {
					most = step.most
					pool.setMost(step.most)
				} else if (step.kind === 'refuse')
					members.before = () => {
						if (step.refuse) throw new SpillwayError('out-of-memory', 'no room')
					}
				else await sleep(step.time)
				expect(pool.width).toBeGreaterThanOrEqual(failures.length > 0 ? 1 : 0)
				expect(pool.memory).toBe(members.living.length * 1000)
				expect(pool.estimate(call()).queue).toBeGreaterThanOrEqual(0)
			}
			// What hangs is found out after its grace; then all is calm.
			await Promise.race([Promise.all(outcomes), sleep(8000).then(() => Promise.reject(new Error('a call did not settle')))])
			if (failures.length === 0) {
				await sleep(60)
				expect(members.living.length).toBeLessThanOrEqual(most)
				expect(members.living.length).toBeGreaterThanOrEqual(1)
			}
			await pool.dispose()
			expect(members.living).toEqual([])
			expect(pool).toMatchObject({ workers: 0, memory: 0 })
			for (const signal of signals) expect(getEventListeners(signal, 'abort')).toEqual([])
			for (const { member } of members.started) expect(getEventListeners(member.over, 'abort')).toEqual([])
		}),
		{ numRuns: 40, seed: 20261122 },
	)
})

const vectorOf = ({ output }: Answer): number[] => Array.from((output as TensorsOutput).tensors.vector?.data ?? [], Number)
