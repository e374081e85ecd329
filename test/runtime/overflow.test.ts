// Overflow: who answers a call, in which order the others are asked, and what is told of it.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { attempt, overflow, sleepHere } from '../../runtime/overflow/loop.ts'
import type { Candidate } from '../../runtime/overflow/plan.ts'
import { type Policy, policies, tightens } from '../../runtime/overflow/policy.ts'
import { context, embedCall, now, type Script, scripted } from './scripted.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

/** Runs a call over a device and an edge, and the clock until it has settled. */
async function call(scripts: { device: Script; edge: Script }, more: Parameters<typeof context>[0] = {}, policy: Policy = 'prefer-device') {
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

describe('the nearest executor that can answer does', () => {
	test('the device, when it can: the edge is not asked', async () => {
		const { ran, edge } = await call({ device: {}, edge: {} })
		expect(ran).toMatchObject({ executor: 'device', overflow: [] })
		expect(edge.asked).toHaveLength(0)
	})

	test('the edge, while the device is loading', async () => {
		const { ran, device } = await call({ device: { estimate: { can: 'loading', reason: 'loading' } }, edge: {} })
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'loading' }] })
		expect(device.asked).toHaveLength(0)
	})

	test('the edge, when the device cannot', async () => {
		const { ran } = await call({ device: { estimate: { can: 'no', reason: 'memory', detail: 'too small' } }, edge: {} })
		expect(ran?.overflow).toEqual([{ executor: 'device', reason: 'memory', detail: 'too small' }])
	})

	test('the edge, when the device has too long a queue for the time left', async () => {
		const { ran } = await call({ device: { estimate: { queue: 900, run: 200 } }, edge: { estimate: { run: 100 } } })
		expect(ran?.overflow).toEqual([{ executor: 'device', reason: 'queue', detail: 'expected in 1100 ms of 1000' }])
	})

	test('the edge, when the device is too slow for the time left', async () => {
		const { ran } = await call({ device: { estimate: { run: 2000 } }, edge: {} })
		expect(ran?.overflow).toMatchObject([{ reason: 'deadline' }])
	})

	test('the device all the same, when nobody is expected to be in time', async () => {
		const { ran } = await call({ device: { estimate: { run: 2000 } }, edge: { estimate: { run: 1500 } } })
		expect(ran?.executor).toBe('device')
	})

	test('the device that is still loading, when the edge has failed', async () => {
		const { ran } = await call({ device: { estimate: { can: 'loading' }, after: 50 }, edge: { fails: 'network' } })
		expect(ran).toMatchObject({ executor: 'device', overflow: [{ executor: 'edge', reason: 'unhealthy', detail: 'network: edge cannot' }] })
	})

	test('one that says no, when nobody else is left: it may not know better', async () => {
		const { ran } = await call({ device: { fails: 'worker-lost' }, edge: { estimate: { can: 'no', reason: 'unhealthy' } } })
		expect(ran?.executor).toBe('edge')
	})

	test('who does not take such calls is not asked at all', async () => {
		const { ran, device } = await call({ device: { accepts: ['tensors'] }, edge: {} })
		expect(ran?.overflow).toMatchObject([{ executor: 'device', reason: 'unsupported' }])
		expect(device.asked).toHaveLength(0)
	})

	test('an estimate that throws is a no', async () => {
		const { ran } = await call({
			device: {
				estimate: () => {
					throw new TypeError('oops')
				},
			},
			edge: {},
		})
		expect(ran?.overflow).toEqual([{ executor: 'device', reason: 'unhealthy', detail: 'oops' }])
	})
})

describe('policies', () => {
	test('device-only: the edge is never asked', async () => {
		const { error, edge } = await call({ device: { fails: 'worker-lost' }, edge: {} }, {}, 'device-only')
		expect(error).toMatchObject({ code: 'worker-lost', message: expect.stringContaining('edge (device-only)') })
		expect(edge.asked).toHaveLength(0)
	})

	test('edge-only: the device is never asked, and the answer says so', async () => {
		const { ran, device } = await call({ device: {}, edge: {} }, {}, 'edge-only')
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'policy' }] })
		expect(device.asked).toHaveLength(0)
	})

	describe('prefer-edge', () => {
		test('the edge, though the device could: the answer says so', async () => {
			const { ran, device } = await call({ device: {}, edge: { estimate: { run: 400 } } }, {}, 'prefer-edge')
			expect(ran).toMatchObject({
				executor: 'edge',
				overflow: [{ executor: 'device', reason: 'policy', detail: 'prefer-edge: expected in 0 ms' }],
			})
			expect(device.asked).toHaveLength(0)
		})

		test('whether the device is loaded or not', async () => {
			const { ran } = await call({ device: { estimate: { can: 'loading' } }, edge: {} }, {}, 'prefer-edge')
			expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'policy' }] })
		})

		test.each<[string, Script]>([
			['cannot', { estimate: { can: 'no', reason: 'unhealthy' } }],
			['is expected to be late', { estimate: { run: 5000 } }],
			['fails', { fails: 'network' }],
		])('the device, when the edge %s', async (_, edge) => {
			expect((await call({ device: {}, edge }, {}, 'prefer-edge')).ran?.executor).toBe('device')
		})

		test('the device, when the time left comes down to what it needs', async () => {
			const { ran } = await call({ device: { estimate: { run: 200 } }, edge: { after: 5000 } }, {}, 'prefer-edge')
			expect(ran).toMatchObject({ executor: 'device', overflow: [{ executor: 'edge', reason: 'deadline' }] })
		})
	})

	describe('fastest', () => {
		test('whoever is expected to have answered first, queue and run together', async () => {
			const faster = await call({ device: { estimate: { queue: 300, run: 50 } }, edge: { estimate: { run: 200 } } }, {}, 'fastest')
			expect(faster.ran).toMatchObject({
				executor: 'edge',
				overflow: [{ executor: 'device', reason: 'policy', detail: 'fastest: expected in 350 ms' }],
			})
			expect(faster.device.asked).toHaveLength(0)
			const nearer = await call({ device: { estimate: { queue: 100, run: 50 } }, edge: { estimate: { run: 200 } } }, {}, 'fastest')
			expect(nearer.ran).toMatchObject({ executor: 'device', overflow: [] })
		})

		test('the nearest of those that are equally fast', async () => {
			const { ran } = await call({ device: { estimate: { run: 200 } }, edge: { estimate: { queue: 150, run: 50 } } }, {}, 'fastest')
			expect(ran).toMatchObject({ executor: 'device', overflow: [] })
		})

		test('one that can answer, before one that would be faster if it could', async () => {
			const { ran } = await call({ device: { estimate: { can: 'loading' } }, edge: { estimate: { run: 900 } } }, {}, 'fastest')
			expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'loading' }] })
		})

		test('the least late, when nobody is expected to be in time', async () => {
			const { ran } = await call({ device: { estimate: { run: 3000 } }, edge: { estimate: { run: 1500 } } }, {}, 'fastest')
			expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'deadline' }] })
		})
	})

	test('a call may go nowhere where the runtime does not let it go', () => {
		const orders = ['prefer-device', 'prefer-edge', 'fastest'] as const
		const allowed = policies.flatMap((runtime) =>
			policies.filter((asked) => tightens(asked, runtime)).map((asked) => `${runtime} ${asked}`),
		)
		const expected = [
			...orders.flatMap((one) => policies.map((asked) => `${one} ${asked}`)),
			'device-only device-only',
			'edge-only edge-only',
		]
		expect(allowed.sort()).toEqual(expected.sort())
		expect(tightens('anything' as Policy, 'prefer-device')).toBe(false)
	})
})

describe('failures', () => {
	test.each([
		['network', 'unhealthy'],
		['upstream', 'unhealthy'],
		['unavailable', 'unhealthy'],
		['worker-lost', 'unhealthy'],
		['golden-mismatch', 'unhealthy'],
		['integrity', 'unhealthy'],
		['untrusted', 'unhealthy'],
		['internal', 'unhealthy'],
		['storage-full', 'memory'],
		['out-of-memory', 'memory'],
		['unsupported', 'unsupported'],
		['not-found', 'unsupported'],
		['too-large', 'unsupported'],
		['environment', 'unsupported'],
		['rate-limited', 'queue'],
		['deadline-exceeded', 'deadline'],
	] as const)('%s goes on to the next executor: %s', async (fails, reason) => {
		const { ran, retries } = await call({ device: { fails }, edge: {} })
		expect(ran?.overflow).toEqual([{ executor: 'device', reason, detail: `${fails}: device cannot` }])
		expect(retries).toBe(2)
	})

	test('invalid-input does not: it would be the same everywhere', async () => {
		const { error, edge } = await call({ device: { fails: 'invalid-input' }, edge: {} })
		expect(error).toMatchObject({ code: 'invalid-input', message: 'device cannot' })
		expect(edge.asked).toHaveLength(0)
	})

	test('the answer tells all that were asked in vain, and all nearer ones that were not', async () => {
		const executors = [
			scripted({ name: 'a', estimate: { can: 'no', reason: 'memory' } }),
			scripted({ name: 'b', fails: 'upstream' }),
			scripted({ name: 'c', fails: 'network' }),
			scripted({ name: 'd' }),
			scripted({ name: 'e', estimate: { can: 'loading' } }),
		]
		const answered = overflow('edge', executors).infer(embedCall, context())
		await vi.advanceTimersByTimeAsync(10)
		const { ran } = await answered
		expect(ran.executor).toBe('d')
		expect(ran.overflow.map(({ executor, reason }) => `${executor} ${reason}`)).toEqual(['a memory', 'b unhealthy', 'c unhealthy'])
	})

	test('what the answering executor had passed by itself comes after what was passed by here', async () => {
		const gpus = overflow('edge', [scripted({ name: 'in process', fails: 'too-large' }), scripted({ name: 'gpu' })])
		const answered = overflow('page', [scripted({ name: 'device', fails: 'worker-lost' }), gpus]).infer(embedCall, context())
		await vi.advanceTimersByTimeAsync(10)
		expect((await answered).ran.overflow.map(({ executor }) => executor)).toEqual(['device', 'in process'])
	})

	test('each further attempt costs one retry of the budget', async () => {
		const { error, edge, retries } = await call({ device: { fails: 'network' }, edge: {} }, { retries: { left: 0 } })
		expect(error?.code).toBe('network')
		expect(edge.asked).toHaveLength(0)
		expect(retries).toBe(0)
	})

	test('what the others need is kept back from an attempt that retries by itself', async () => {
		const scripts = { device: { fails: 'worker-lost' as const }, edge: {} }
		expect((await call(scripts, { retries: { left: 3 } })).device.asked[0]?.retries.left).toBe(2)
		const scarce = await call(scripts, { retries: { left: 1 } })
		expect(scarce.device.asked[0]?.retries.left).toBe(0)
		expect(scarce.ran?.executor).toBe('edge')
	})

	test('what an attempt spends by itself comes off the budget', async () => {
		const greedy = scripted({ name: 'greedy', fails: 'network' })
		const spender = {
			...greedy,
			infer: (asked: typeof embedCall, its: ReturnType<typeof context>) => {
				its.retries.left = 0
				return greedy.infer(asked, its)
			},
		}
		const given = context({ retries: { left: 3 } })
		const answered = overflow('edge', [spender, scripted({ name: 'next' })]).infer(embedCall, given)
		await vi.advanceTimersByTimeAsync(10)
		expect((await answered).ran.executor).toBe('next')
		expect(given.retries.left).toBe(0)
	})

	test('a budget is shared by all levels', async () => {
		const inner = overflow('edge', [scripted({ name: 'a', fails: 'network' }), scripted({ name: 'b', fails: 'network' })])
		const last = scripted({ name: 'c' })
		const given = context({ retries: { left: 2 } })
		const answered = overflow('page', [inner, last]).infer(embedCall, given)
		await vi.advanceTimersByTimeAsync(10)
		expect((await answered).ran.executor).toBe('c')
		expect(given.retries.left).toBe(0)
	})
})

describe('if nobody can answer', () => {
	const failing = async (...fails: NonNullable<Script['fails']>[]) => {
		const executors = fails.map((why, i) => scripted({ name: `number ${i}`, fails: why }))
		const failed = overflow('edge', executors)
			.infer(embedCall, context())
			.catch((error: SpillwayError) => error)
		await vi.advanceTimersByTimeAsync(10)
		return (await failed) as SpillwayError
	}

	test('the only executor: its own error', async () => {
		const own = new SpillwayError('storage-full', 'no room')
		expect(await failing(own)).toBe(own)
	})

	test('several: one error that names each, with its reason', async () => {
		const error = await failing('network', 'upstream')
		expect(error.code).toBe('unavailable')
		expect(error.message).toBe('nobody could answer minilm: number 0 (network: number 0 cannot); number 1 (upstream: number 1 cannot)')
	})

	test('with the code that they share', async () => expect((await failing('network', 'network')).code).toBe('network'))

	test('unsupported, when none of them would ever answer', async () =>
		expect((await failing('not-found', 'unsupported')).code).toBe('unsupported'))

	test('unsupported, too, when none of them takes such calls', async () => {
		const { error } = await call({ device: { accepts: ['tensors'] }, edge: { accepts: ['tensors'] } })
		expect(error).toMatchObject({ code: 'unsupported', message: expect.stringContaining('takes tensors only') })
	})

	test('those that could never have answered count for nothing', async () =>
		expect((await failing('environment', 'rate-limited')).code).toBe('rate-limited'))

	test('it tells after which time another try makes sense', async () => {
		const limited = new SpillwayError('rate-limited', 'slow down', { retryAfter: 1500 })
		expect(await failing('environment', limited)).toMatchObject({ code: 'rate-limited', retryAfter: 1500, cause: limited })
	})

	test('and that is when the first of them comes back', async () => {
		const busy = (retryAfter: number) => new SpillwayError('rate-limited', 'slow down', { retryAfter })
		expect(await failing(busy(60_000), busy(1500))).toMatchObject({ retryAfter: 1500 })
	})

	test('there is none at all', async () => expect(await failing()).toMatchObject({ code: 'unavailable' }))

	test('nobody wants it any more, or its time is up: that comes first', async () => {
		const nobody = { device: { accepts: [] }, edge: { accepts: [] } }
		expect((await call(nobody, { signal: AbortSignal.abort() })).error).toMatchObject({ code: 'aborted' })
		expect((await call(nobody, { remaining: 0 })).error).toMatchObject({ code: 'deadline-exceeded' })
	})
})

describe('time', () => {
	test('nobody is asked after it, though the clock goes in steps as that of some browsers does', async () => {
		const exact = performance.now.bind(performance)
		const steps = vi.spyOn(performance, 'now').mockImplementation(() => Math.floor(exact() / 16.667) * 16.667)
		try {
			for (let i = 0; i < 20; i++) {
				await vi.advanceTimersByTimeAsync(3)
				const { error, edge } = await call({ device: { after: 5000 }, edge: { estimate: { run: 3000 } } }, { remaining: 60 })
				expect(error).toMatchObject({ code: 'deadline-exceeded' })
				expect(edge.asked).toHaveLength(0)
			}
		} finally {
			steps.mockRestore()
		}
	})

	test('when the time left comes down to what the edge needs, the call goes there', async () => {
		const { ran, time, device } = await call({ device: { after: 5000 }, edge: { estimate: { run: 300 }, after: 250 } })
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'deadline' }] })
		// With an eighth of the time, 250 ms at most, beside what is expected.
		expect(time).toBeGreaterThanOrEqual(700 - 125 + 250 - 2)
		expect(time).toBeLessThanOrEqual(1000 - 125)
		expect(device.asked[0]?.signal.aborted).toBe(true)
	})

	test('and has some time there, though it is expected to need none', async () => {
		const { ran, time } = await call({ device: { after: 5000 }, edge: { estimate: { run: 0 }, after: 100 } })
		expect(ran).toMatchObject({ executor: 'edge' })
		expect(time).toBeLessThan(1000)
	})

	test('who is overdue is given up for one nearer to the user that can answer by now, but not for one farther away', async () => {
		let loaded = false
		setTimeout(() => {
			loaded = true
		}, 400)
		const { ran, time } = await call(
			{
				device: { after: 20, estimate: () => (loaded ? { ...now, run: 20 } : { can: 'loading', reason: 'loading', queue: 0, run: 0 }) },
				edge: { estimate: { run: 500 }, after: 25_000 },
			},
			{ remaining: 30_000 },
		)
		expect(ran).toMatchObject({ executor: 'device', overflow: [{ executor: 'edge', reason: 'deadline' }] })
		expect(time).toBeLessThan(2100)

		const slow = await call({ device: { estimate: { run: 10 }, after: 4000 }, edge: { estimate: { run: 10 } } }, { remaining: 30_000 })
		expect(slow.ran).toMatchObject({ executor: 'device', overflow: [] })
	})

	test('also where timers are late and another clock is at hand', async () => {
		const device = scripted({ name: 'device', after: 5000 })
		const edge = scripted({ name: 'edge', estimate: { run: 300 }, after: 250 })
		const woken: number[] = []
		const answered = attempt([{ executor: device }, { executor: edge }], undefined, embedCall, context(), {
			sleep(milliseconds, wake) {
				woken.push(milliseconds)
				const timer = setTimeout(wake, milliseconds)
				return () => clearTimeout(timer)
			},
		})
		await vi.advanceTimersByTimeAsync(1000)
		expect((await answered).ran.executor).toBe('edge')
		expect(woken.length).toBeGreaterThan(2)
	})

	test('not when the edge would not be in time either', async () => {
		const { ran, edge } = await call({ device: { after: 900 }, edge: { estimate: { run: 3000 } } })
		expect(ran?.executor).toBe('device')
		expect(edge.asked).toHaveLength(0)
	})

	test('not when the edge has become unhealthy meanwhile', async () => {
		let healthy = true
		setTimeout(() => {
			healthy = false
		}, 100)
		const { ran } = await call({
			device: { after: 900 },
			edge: { estimate: () => (healthy ? { ...now, run: 300 } : { can: 'no', reason: 'unhealthy', queue: 0, run: 0 }) },
		})
		expect(ran?.executor).toBe('device')
	})

	test('nobody gets more time than there is', async () => {
		const { error, time, device, edge } = await call({
			device: { fails: 'network', after: 400 },
			edge: { after: Number.POSITIVE_INFINITY },
		})
		expect(error?.code).toBe('deadline-exceeded')
		expect(time).toBe(1000)
		expect(device.asked[0]?.remaining).toBe(1000)
		expect(edge.asked[0]?.remaining).toBe(600)
	})

	test('an executor that heeds no signal is not waited for', async () => {
		const { error, time } = await call({
			device: { after: Number.POSITIVE_INFINITY, heeds: false },
			edge: { after: Number.POSITIVE_INFINITY, heeds: false },
		})
		expect(error?.code).toBe('deadline-exceeded')
		expect(time).toBe(1000)
	})

	test('no time at all', async () => {
		const { error, device } = await call({ device: {}, edge: {} }, { remaining: 0 })
		expect(error?.code).toBe('deadline-exceeded')
		expect(device.asked).toHaveLength(0)
	})
})

describe('abort', () => {
	test('settles at once, stops the attempt, and nobody else is asked', async () => {
		const controller = new AbortController()
		setTimeout(() => controller.abort('why not'), 100)
		const { error, time, device, edge } = await call({ device: { after: 500 }, edge: {} }, { signal: controller.signal })
		expect(error).toMatchObject({ code: 'aborted', cause: 'why not' })
		expect(time).toBe(100)
		expect(device.asked[0]?.signal.aborted).toBe(true)
		expect(edge.asked).toHaveLength(0)
	})

	test('before the call: nobody is asked', async () => {
		const { error, device } = await call({ device: {}, edge: {} }, { signal: AbortSignal.abort() })
		expect(error?.code).toBe('aborted')
		expect(device.asked).toHaveLength(0)
	})

	test("an executor's own abort is a failure as others are", async () => {
		const { ran } = await call({ device: { fails: 'aborted' }, edge: {} })
		expect(ran?.executor).toBe('edge')
	})
})

describe('as an executor', () => {
	test('takes what any of them takes', () => {
		const both = overflow('edge', [scripted({ accepts: ['embed'] }), scripted({ accepts: ['tensors', 'embed'] })])
		expect([...both.accepts].sort()).toEqual(['embed', 'tensors'])
	})

	test('expects what the first choice expects', () => {
		const both = overflow('edge', [scripted({ estimate: { can: 'loading' } }), scripted({ estimate: { queue: 7, run: 8 } })])
		expect(both.estimate(embedCall)).toEqual({ can: 'now', queue: 7, run: 8 })
	})

	test('says no when nobody takes the call', () => {
		const none = overflow('edge', [scripted({ accepts: ['tensors'] })])
		expect(none.estimate(embedCall)).toMatchObject({ can: 'no', reason: 'unsupported' })
	})

	test('disposes all of them, and then refuses', async () => {
		const inner = [scripted(), scripted()]
		const both = overflow('edge', inner)
		await both.dispose()
		await both.dispose()
		expect(inner.every(({ disposed }) => disposed)).toBe(true)
		await expect(both.infer(embedCall, context())).rejects.toMatchObject({ code: 'disposed' })
		expect(both.estimate(embedCall)).toMatchObject({ can: 'no', reason: 'unhealthy' })
	})
})
