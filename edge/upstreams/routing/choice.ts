// Which upstream a call goes to: the better one of two, by what was measured and what they have to do.

import type { Call } from '../../../runtime/core/call.ts'
import type { Estimate } from '../../../runtime/core/executor.ts'
import { estimate, finish } from '../../../runtime/overflow/plan.ts'
import type { Member } from './member.ts'

/** What is preferred: the one that answers soonest, or the cheapest that has room. */
export type Preference = 'latency' | 'cost'

/** Milliseconds of silence in which what was measured is halved: who was slow once is tried again. */
const halfLife = 10_000

/**
 * The members in the order in which a call asks them.
 *
 * Two are drawn from those that can answer now, and the one comes first whose expected time, times the calls that it would have under way,
 * is smaller: all callers do not rush to the same one. Who has never answered is tried before the others. Equal ones stay in the given order.
 * With `cost` they are drawn from the cheapest that have room, so that dearer ones are asked for what these cannot take.
 *
 * @param random a number from 0 to 1.
 * @see https://www.eecs.harvard.edu/~michaelm/postscripts/tpds2001.pdf (the power of two choices)
 */
export function ordered(members: readonly Member[], call: Call, prefer: Preference, random: () => number = Math.random): readonly Member[] {
	if (members.length < 2) return members
	const expected = new Map(members.map((member) => [member, estimate(member.executor, call)]))
	const able = members.filter((member) => expected.get(member)?.can === 'now')
	const drawn = able.length < 2 ? able : twoOf(prefer === 'cost' ? cheapest(able) : able, random)
	const [first, second] = drawn
	if (!first) return members
	const now = performance.now()
	const scoreOf = (member: Member) => score(member, call, expected.get(member) as Estimate, now)
	const best = second && scoreOf(second) < scoreOf(first) ? second : first
	const others = members.filter((member) => member !== best)
	// For a retry, too.
	const rest = prefer === 'cost' ? others.toSorted((a, b) => a.cost - b.cost) : others
	return [best, ...rest.filter((member) => drawn.includes(member)), ...rest.filter((member) => !drawn.includes(member))]
}

/** Two of them, in their order; all where there are no more. */
function twoOf(members: readonly Member[], random: () => number): readonly Member[] {
	if (members.length <= 2) return members
	const one = Math.floor(random() * members.length)
	const other = (one + 1 + Math.floor(random() * (members.length - 1))) % members.length
	return [members[Math.min(one, other)] as Member, members[Math.max(one, other)] as Member]
}

/** The cheapest of those where a call need not wait; where it must wait everywhere, all. */
function cheapest(members: readonly Member[]): readonly Member[] {
	const free = members.filter(({ load }) => load.waiting === 0 && load.inFlight < load.limit)
	const least = free.reduce((least, { cost }) => Math.min(least, cost), Number.POSITIVE_INFINITY)
	return free.length > 0 ? free.filter(({ cost }) => cost === least) : members
}

/** The smaller, the better. */
function score({ load }: Member, call: Call, expected: Estimate, now: number): number {
	const { inFlight } = load
	const known = load.expect(call) !== undefined
	if (!known && inFlight === 0) return 0
	const time = finish(expected)
	return time * (inFlight + 1) * (known && inFlight === 0 ? 2 ** ((load.answeredAt - now) / halfLife) : 1)
}
