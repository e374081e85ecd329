// Executors that fail: who is asked next, what it costs, and what is told when nobody is left.

import { describe, expect, test, vi } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import { call } from './overflow-call.ts'
import { context, embedCall, type Script, scripted } from './scripted.ts'

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
