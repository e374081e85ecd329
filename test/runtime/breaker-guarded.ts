// An executor behind a breaker, and a clock that stands still until it is put forward: for the tests of a file that imports it.

import { afterEach, beforeEach, vi } from 'vitest'
import type { Call } from '../../runtime/core/call.ts'
import type { SpillwayError } from '../../runtime/core/error.ts'
import { type BreakerOptions, breaker } from '../../runtime/overflow/breaker.ts'
import { context, embedCall, type Script, scripted } from './scripted.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

/** An executor whose script can be changed, behind a breaker; pauses are not shortened at random. */
export function guarded(script: Script = {}, options: BreakerOptions = {}) {
	let current = scripted(script)
	let asked = 0
	const inner = {
		...current,
		estimate: () => current.estimate(embedCall),
		infer: (...given: Parameters<typeof current.infer>) => {
			asked++
			return current.infer(...given)
		},
	}
	const guard = breaker({ random: () => 0, ...options })(inner)
	/** The call's error code, or `answered`. */
	const call = async (model = 'minilm', more: Parameters<typeof context>[0] = {}) => {
		const settled = guard.infer({ ...embedCall, model: { name: model } }, context(more)).then(
			() => 'answered',
			(error: SpillwayError) => error.code,
		)
		await vi.advanceTimersByTimeAsync(Number.isFinite(script.after) ? (script.after ?? 0) : 0)
		return settled
	}
	return {
		guard,
		call,
		become: (next: Script) => {
			current = scripted(next)
		},
		asked: () => asked,
		can: (asked: Call = embedCall) => guard.estimate(asked).can,
	}
}

export const later = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)

/** The same, once three failures in a row have opened its circuit. */
export async function opened(options: BreakerOptions = {}) {
	const made = guarded({ fails: 'network' }, options)
	for (let i = 0; i < 3; i++) await made.call()
	return made
}
