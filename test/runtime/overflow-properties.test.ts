// Overflow: what holds whatever the executors do.

import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Answer } from '../../runtime/core/call.ts'
import type { ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import type { Context } from '../../runtime/core/executor.ts'
import { attempt, sleepHere } from '../../runtime/overflow/loop.ts'
import type { Candidate } from '../../runtime/overflow/plan.ts'
import { type Policy, policies } from '../../runtime/overflow/policy.ts'
import { overflowReason } from '../../runtime/overflow/reason.ts'
import { context, embedCall, type Script, scripted } from './scripted.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

const codes: ErrorCode[] = [
	'invalid-input',
	'network',
	'unsupported',
	'storage-full',
	'rate-limited',
	'deadline-exceeded',
	'internal',
	'aborted',
]

const script: fc.Arbitrary<Script & { role?: Candidate['role'] }> = fc.record(
	{
		estimate: fc.record({
			can: fc.constantFrom('now' as const, 'now' as const, 'loading' as const, 'no' as const),
			queue: fc.integer({ min: 0, max: 1500 }),
			run: fc.integer({ min: 0, max: 1500 }),
		}),
		after: fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.constant(Number.POSITIVE_INFINITY)),
		fails: fc.option(fc.constantFrom(...codes), { nil: undefined }) as fc.Arbitrary<ErrorCode>,
		heeds: fc.boolean(),
		accepts: fc.constantFrom(['embed'] as const, ['embed', 'tensors'] as const, ['tensors'] as const),
		role: fc.constantFrom('device' as const, 'edge' as const),
	},
	{ requiredKeys: ['estimate', 'after'] },
)

const scenario = fc.record({
	scripts: fc.array(script, { maxLength: 4 }),
	policy: fc.constantFrom<Policy | undefined>(undefined, ...policies),
	remaining: fc.integer({ min: 0, max: 1000 }),
	retries: fc.integer({ min: 0, max: 3 }),
	abortAt: fc.option(fc.integer({ min: 0, max: 1000 })),
})

interface Run {
	settled: number
	time: number
	answer: Answer | undefined
	error: SpillwayError | undefined
	/** Contexts of the attempts that went on when it settled. */
	left: Context[]
	attempts: number
}

async function play({ scripts, policy, remaining, retries, abortAt }: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
	const executors = scripts.map((one, i) => scripted({ ...one, name: `number ${i}` }))
	const candidates: Candidate[] = executors.map((executor, i) => {
		const role = scripts[i]?.role
		return role ? { executor, role } : { executor }
	})
	const controller = new AbortController()
	if (abortAt !== null) setTimeout(() => controller.abort(), abortAt)
	const given = context({ remaining, retries: { left: retries }, signal: controller.signal })
	const started = performance.now()
	const run: Run = { settled: 0, time: Number.NaN, answer: undefined, error: undefined, left: [], attempts: 0 }
	const settle = (part: Partial<Run>) => {
		const left = executors.flatMap(({ running }) => [...running])
		const attempts = executors.reduce((sum, { asked }) => sum + asked.length, 0)
		Object.assign(run, part, { settled: run.settled + 1, time: performance.now() - started, left, attempts })
	}
	attempt(candidates, policy, embedCall, given, { sleep: sleepHere }).then(
		(answer) => settle({ answer }),
		(error) => settle({ error }),
	)
	await vi.advanceTimersByTimeAsync(3000)
	return { ...run, executors, scripts, policy, retriesLeft: given.retries.left }
}

const holds = (
	property: (run: Awaited<ReturnType<typeof play>>, given: { remaining: number; retries: number; abortAt: number | null }) => void,
) =>
	fc.assert(
		fc.asyncProperty(scenario, async (given) => property(await play(given), given)),
		{ numRuns: 300 },
	)

test('a call settles exactly once, by its deadline, and at once on abort', () =>
	holds(({ settled, time, error }, { remaining, abortAt }) => {
		expect(settled).toBe(1)
		expect(time).toBeLessThanOrEqual(Math.min(remaining, abortAt ?? Number.POSITIVE_INFINITY))
		if (error) expect(error.name).toBe('SpillwayError')
	}))

test('each executor is asked at most once, and further attempts are paid for', () =>
	holds(({ executors, retriesLeft }, { retries }) => {
		const attempts = executors.reduce((sum, { asked }) => sum + asked.length, 0)
		for (const { asked } of executors) expect(asked.length).toBeLessThanOrEqual(1)
		expect(attempts).toBeLessThanOrEqual(1 + retries)
		expect(retries - retriesLeft).toBe(Math.max(0, attempts - 1))
	}))

test('when the call has settled, whatever still goes on was told to stop, and nothing begins any more', () =>
	holds(({ left, attempts, executors }) => {
		expect(left.every(({ signal }) => signal.aborted)).toBe(true)
		expect(executors.reduce((sum, { asked }) => sum + asked.length, 0)).toBe(attempts)
	}))

test('no executor is asked that the policy forbids or that does not take the call', () =>
	holds(({ executors, scripts, policy }) => {
		executors.forEach(({ asked, accepts }, i) => {
			const role = scripts[i]?.role
			const forbidden = (policy === 'device-only' && role === 'edge') || (policy === 'edge-only' && role === 'device')
			if (forbidden || !accepts.includes('embed')) expect(asked).toHaveLength(0)
		})
	}))

test('an answer tells of all that were asked in vain, and of all nearer ones', () =>
	holds(({ answer, executors }) => {
		if (!answer) return
		const { executor, overflow } = answer.ran
		const told = overflow.map((one) => one.executor)
		const place = executors.findIndex(({ name }) => name === executor)
		const expected = executors.filter(({ asked, name }, i) => name !== executor && (i < place || asked.length > 0)).map(({ name }) => name)
		expect(told).toEqual(expected)
	}))

test('when everyone fails at once and may be asked, everyone has been, and the error names all', () =>
	fc.assert(
		fc.asyncProperty(fc.array(fc.constantFrom(...codes), { minLength: 1, maxLength: 4 }), async (fails) => {
			const scripts = fails.map((code) => ({ estimate: { can: 'now' as const, queue: 0, run: 0 }, after: 0, fails: code }))
			const { error, executors } = await play({ scripts, policy: undefined, remaining: 1000, retries: 3, abortAt: null })
			const last = fails.indexOf('invalid-input')
			const asked = executors.map((one) => one.asked.length)
			expect(asked).toEqual(fails.map((_, i) => (last < 0 || i <= last ? 1 : 0)))
			if (last >= 0) expect(error?.code).toBe('invalid-input')
			else if (fails.length > 1) for (const { name } of executors) expect(error?.message).toContain(name)
			expect(overflowReason(error as SpillwayError) === undefined).toBe(last >= 0)
		}),
	))
