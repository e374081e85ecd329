// Who is asked, in which order, and why the others are passed by: pure, from estimates alone.

import type { Call, Overflow, OverflowReason } from '../core/call.ts'
import { messageOf } from '../core/error.ts'
import { accepts, cannot, type Estimate, type Executor } from '../core/executor.ts'

/** Where calls may go: see `docs/runtime.md`. */
export type Policy = 'prefer-device' | 'device-only' | 'edge-only'

/** An executor, and what it is to a policy; one without a role is allowed by every policy. */
export interface Candidate {
	readonly executor: Executor
	readonly role?: 'device' | 'edge'
}

export interface Plan {
	/** To be tried in this order. */
	readonly order: readonly Candidate[]
	/** All that can not, or not in time, answer now, and why. */
	readonly passed: ReadonlyMap<Candidate, Overflow>
}

/** What the executor expects; one that throws cannot. */
export function estimate(executor: Executor, call: Call): Estimate {
	try {
		return executor.estimate(call)
	} catch (error) {
		return cannot('unhealthy', messageOf(error))
	}
}

/** Milliseconds until an answer. */
export const finish = ({ queue, run }: Estimate): number => queue + run

const allows = (policy: Policy | undefined, role: Candidate['role']): boolean =>
	!policy || !role || policy === 'prefer-device' || policy === `${role}-only`

/**
 * Plans a call.
 *
 * Candidates that can answer now and in time come first, in the given order (nearest to the user first); then those that can answer
 * now but are expected to be late; then those that are still loading; last, those that say `no`: what they know may be out of date, and if
 * not, their own error says best what is wrong. Who is not allowed by the policy, or does not take such calls, is not asked at all.
 *
 * @param remaining milliseconds left.
 */
export function plan(candidates: readonly Candidate[], call: Call, policy: Policy | undefined, remaining: number): Plan {
	const now: Candidate[] = []
	const late: Candidate[] = []
	const loading: Candidate[] = []
	const unable: Candidate[] = []
	const passed = new Map<Candidate, Overflow>()
	for (const candidate of candidates) {
		const { executor, role } = candidate
		const pass = (reason: OverflowReason, detail?: string) =>
			passed.set(candidate, { executor: executor.name, reason, ...(detail && { detail }) })
		if (!allows(policy, role)) {
			pass('policy', policy)
			continue
		}
		if (!accepts(executor, call)) {
			pass('unsupported', `takes ${executor.accepts} only`)
			continue
		}
		const expected = estimate(executor, call)
		const { can, reason, detail, queue, run } = expected
		if (can === 'no') {
			unable.push(candidate)
			pass(reason ?? 'unhealthy', detail)
		} else if (can === 'loading') {
			loading.push(candidate)
			pass(reason ?? 'loading', detail)
		} else if (finish(expected) > remaining) {
			late.push(candidate)
			pass(queue >= run ? 'queue' : 'deadline', `expected in ${Math.ceil(finish(expected))} ms of ${Math.ceil(remaining)}`)
		} else now.push(candidate)
	}
	return { order: [...now, ...late, ...loading, ...unable], passed }
}
