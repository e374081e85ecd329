// Who is asked, in which order, and why the others are passed by: pure, from estimates alone.

import type { Call, Overflow, OverflowReason } from '../core/call.ts'
import { messageOf } from '../core/error.ts'
import { accepts, cannot, type Estimate, type Executor } from '../core/executor.ts'
import { allows, type Policy, preference, type Role } from './policy.ts'

/** An executor, and what it is to a policy; one without a role is allowed by every policy. */
export interface Candidate {
	readonly executor: Executor
	readonly role?: Role
}

export interface Plan {
	/** To be tried in this order. */
	readonly order: readonly Candidate[]
	/** All that can not, or not in time, answer now, or stand behind another one for the policy's sake; and why. */
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

/** Less time than this, in milliseconds, is too little to say that nothing will come. */
export const patience = 1_000
/** So many times as long as was expected is too long. */
export const tooLong = 3

/** Milliseconds after which an answer is so late that none may come. */
export const overdue = (expected: Estimate): number => Math.max(patience, tooLong * finish(expected))

/** In the order in which they are asked. */
const ranks = { now: 0, late: 1, loading: 2, no: 3 }

/**
 * Plans a call.
 *
 * Candidates that can answer now and in time come first; then those that can answer now but are expected to be late; then those that are
 * still loading; last, those that say `no`: what they know may be out of date, and if not, their own error says best what is wrong. Among
 * those of one kind, the policy decides, and where it does not, the given order (nearest to the user first). Who is not allowed by the policy,
 * or does not take such calls, is not asked at all.
 *
 * @param remaining milliseconds left.
 */
export function plan(candidates: readonly Candidate[], call: Call, policy: Policy | undefined, remaining: number): Plan {
	const ranked: { candidate: Candidate; rank: number; preferred: number }[] = []
	const passed = new Map<Candidate, Overflow>()
	/** Nobody comes before who can answer now: what those behind expect is asked when it has failed. */
	let first: Estimate | false | undefined
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
		const expected = first || estimate(executor, call)
		const { can, reason, detail, queue, run } = expected
		const time = finish(expected)
		const late = can === 'now' && time > remaining
		first ||= !policy && can === 'now' && !late && expected
		const preferred = preference(policy, role, time)
		if (can === 'no') pass(reason ?? 'unhealthy', detail)
		else if (late) pass(queue >= run ? 'queue' : 'deadline', `expected in ${Math.ceil(time)} ms of ${Math.ceil(remaining)}`)
		// Loaded or not, the edge would have been asked first.
		else if (preferred > 0 && (can === 'now' || policy === 'prefer-edge')) pass('policy', `${policy}: expected in ${Math.ceil(time)} ms`)
		else if (can === 'loading') pass(reason ?? 'loading', detail)
		ranked.push({ candidate, rank: ranks[late ? 'late' : can], preferred })
	}
	ranked.sort((a, b) => a.rank - b.rank || a.preferred - b.preferred)
	return { order: ranked.map(({ candidate }) => candidate), passed }
}
