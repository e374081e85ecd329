// Choosing among versions: by weight, and among upstreams the one that has it.

import { describe, expect, test } from 'vitest'
import { choose, fraction } from '../../edge/versions/choose.ts'
import { hasVersion, onlyFor } from '../../edge/versions/only-for.ts'
import type { Offered } from '../../edge/versions/serving.ts'
import { provenance } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { traceParent } from '../../runtime/core/trace.ts'

describe('choosing by weight', () => {
	const arms = [
		{ id: 'a', weight: 70 },
		{ id: 'b', weight: 25 },
		{ id: 'c', weight: 5 },
	]
	const values = Array.from({ length: 5000 }, (_, at) => `value ${at}`)

	test('gives each its share, by chance and by what calls have in common', () => {
		for (const chosen of [values.map(() => choose(arms)), values.map((value) => choose(arms, value))])
			for (const { id, weight } of arms) {
				const share = chosen.filter((one) => one.id === id).length / values.length
				expect(Math.abs(share - weight / 100), id).toBeLessThan(0.03)
			}
	})

	test('moves nobody but to the one whose weight grows, and takes none of weight 0', () => {
		const more = arms.map((arm) => (arm.id === 'c' ? { ...arm, weight: 40 } : arm))
		for (const value of values) {
			const [before, after] = [choose(arms, value).id, choose(more, value).id]
			if (after !== before) expect(after).toBe('c')
		}
		const none = arms.map((arm) => (arm.id === 'a' ? { ...arm, weight: 0 } : arm))
		expect(values.some((value) => choose(none, value).id === 'a')).toBe(false)
	})

	test('spreads texts that are alike evenly', () => {
		const tenths = new Array(10).fill(0)
		for (let at = 0; at < 10_000; at++) tenths[Math.floor(fraction(`key-${at}`) * 10)]++
		for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150)
	})
})

test('an upstream is asked only for the version that it has', async () => {
	let isCurrent = true
	const inner: Executor = {
		name: 'gpu',
		accepts: ['tensors'],
		estimate: () => ({ can: 'now', queue: 0, run: 1 }),
		infer: async () => ({ output: { kind: 'tensors', tensors: {} }, ran: provenance('gpu', { name: 'm' }) }),
		dispose: async () => {},
	}
	const packed = { current: () => isCurrent } as Offered['packed']
	const call = { kind: 'tensors' as const, model: { name: 'm' }, tensors: {} }
	const context = { remaining: 1000, signal: new AbortController().signal, hops: 0, retries: { left: 0 }, trace: traceParent() }
	const follows = onlyFor(inner, '1.0.0', hasVersion({ version: '1.0.0', packed }, undefined))
	expect(follows.estimate(call).can).toBe('now')
	isCurrent = false
	expect(follows.estimate(call)).toMatchObject({ can: 'no', reason: 'unsupported' })
	await expect(follows.infer(call, context)).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('gpu') })
	// Its configuration says what it has.
	expect(hasVersion({ version: '1.0.0', packed }, '^1')()).toBe(true)
	expect(hasVersion({ version: '2.0.0', packed }, '^1')()).toBe(false)
	// A model that is only declared has one.
	expect(hasVersion({ version: '1', packed: null }, undefined)()).toBe(true)
})
