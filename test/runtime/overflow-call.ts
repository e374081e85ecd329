// A call over a device and an edge that do as they are told, in a time that the test moves.

import { afterEach, beforeEach, vi } from 'vitest'
import type { SpillwayError } from '../../runtime/core/error.ts'
import { attempt, sleepHere } from '../../runtime/overflow/loop.ts'
import type { Candidate } from '../../runtime/overflow/plan.ts'
import type { Policy } from '../../runtime/overflow/policy.ts'
import { context, embedCall, type Script, scripted } from './scripted.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

/** Runs a call over a device and an edge, and the clock until it has settled. */
export async function call(
	scripts: { device: Script; edge: Script },
	more: Parameters<typeof context>[0] = {},
	policy: Policy = 'prefer-device',
) {
	const device = scripted({ name: 'device', ...scripts.device })
	const edge = scripted({ name: 'edge', ...scripts.edge })
	const candidates: Candidate[] = [
		{ executor: device, role: 'device' },
		{ executor: edge, role: 'edge' },
	]
	const given = context(more)
	const started = performance.now()
	const settled = attempt(candidates, policy, embedCall, given, { sleep: sleepHere }).then(
		({ ran }) => ({ ran, error: undefined, time: performance.now() - started }),
		(error: SpillwayError) => ({ ran: undefined, error, time: performance.now() - started }),
	)
	await vi.advanceTimersByTimeAsync(given.remaining + 20)
	return { ...(await settled), device, edge, retries: given.retries.left }
}
