// Retries over several machines: page, edge and the edge behind it try again each, and yet never multiply.

import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { provenance } from '../../runtime/core/call.ts'
import type { ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import { callHeaders } from '../../runtime/remote/call-headers.ts'
import { remoteExecutor } from '../../runtime/remote/remote.ts'
import { context, embedCall, type Scripted, scripted } from './scripted.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

interface Network {
	/** Retries that the machine allows at most. */
	limit: number
	/** That its answer is lost on the way back. */
	lost: boolean
	/** That it learns when the caller gives up. */
	told: boolean
}

/** An executor on another machine: headers there, headers back, as an edge reads and writes them. */
function acrossNetwork(inner: Executor, { limit, lost, told }: Network): Executor {
	const fetch = async (_: string, { headers, signal }: RequestInit): Promise<Response> => {
		const given = new Headers(headers)
		const asked = Number(given.get('spillway-retries'))
		const retries = { left: Math.min(asked, limit) }
		const { left } = retries
		const remaining = Number(given.get('spillway-time-left'))
		const settled = await inner
			.infer(embedCall, context({ remaining, retries, ...(told && signal && { signal }), hops: Number(given.get('spillway-hops')) }))
			.then(
				() => ({ status: 200, body: '{}' }),
				({ code }: SpillwayError) => ({ status: 503, body: JSON.stringify({ type: `urn:spillway:error:${code}` }) }),
			)
		if (lost) throw new TypeError('connection lost')
		const { status, body } = settled
		return new Response(body, { status, headers: { 'spillway-retries': `${Math.max(0, asked - (left - retries.left))}` } })
	}
	return remoteExecutor(
		{ name: `network to ${inner.name}`, fetch },
		{
			accepts: ['embed'],
			request: (_, handed) => ({ url: 'http://machine.test', message: { body: new Uint8Array(), headers: callHeaders(handed) } }),
			answer: (call) => ({ output: { kind: 'embed', vectors: [], tokens: 0 }, ran: { ...emptyRan, model: call.model.name } }),
		},
	)
}

const emptyRan = { ...provenance('edge', { name: 'm' }), hops: 1 }

const leaf = fc.record({
	fails: fc.option(fc.constantFrom<ErrorCode>('network', 'worker-lost', 'unsupported', 'rate-limited', 'invalid-input'), {
		nil: undefined,
	}),
	after: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.constant(Number.POSITIVE_INFINITY)),
	can: fc.constantFrom('now' as const, 'now' as const, 'loading' as const, 'no' as const),
	run: fc.integer({ min: 0, max: 900 }),
	heeds: fc.boolean(),
})
const network = fc.record({ limit: fc.integer({ min: 0, max: 4 }), lost: fc.boolean(), told: fc.boolean() })
const machine = fc.record({ leaves: fc.array(leaf, { minLength: 1, maxLength: 3 }), network, firstAway: fc.boolean() })

test('all attempts of a call, on three machines, are at most one more than its retries', () =>
	fc.assert(
		fc.asyncProperty(machine, machine, machine, fc.integer({ min: 0, max: 5 }), async (page, edge, upstream, budget) => {
			const all: Scripted[] = []
			const leavesOf = ({ leaves }: typeof page, name: string) =>
				leaves.map(({ fails, can, run, ...rest }, i) => {
					const one = scripted({ name: `${name} ${i}`, ...(fails && { fails }), estimate: { can, run }, ...rest })
					all.push(one)
					return one
				})
			const level = (name: string, of: typeof page, away: readonly Executor[]) =>
				overflow(name, of.firstAway ? [...away, ...leavesOf(of, name)] : [...leavesOf(of, name), ...away])
			const third = level('upstream', upstream, [])
			const second = level('edge', edge, [acrossNetwork(third, upstream.network)])
			const first = level('page', page, [acrossNetwork(second, edge.network)])
			const retries = { left: budget }
			let settled = 0
			first
				.infer(embedCall, context({ remaining: 1000, retries }))
				.catch(() => {})
				.finally(() => settled++)
			await vi.advanceTimersByTimeAsync(5000)
			const attempts = all.reduce((sum, { asked }) => sum + asked.length, 0)
			expect(settled).toBe(1)
			expect(attempts).toBeLessThanOrEqual(budget + 1)
			expect(retries.left).toBeGreaterThanOrEqual(0)
			expect(attempts).toBeLessThanOrEqual(budget - retries.left + 1)
			for (const { asked } of all) for (const { hops } of asked) expect(hops).toBeLessThanOrEqual(2)
		}),
		{ numRuns: 500 },
	))
