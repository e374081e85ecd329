// Loads shared by all who wait for them.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { shareLoads } from '../../runtime/page/loads.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

/** Loads that end when the test says so. */
function controlled() {
	const begun: { resolve: (value: string) => void; reject: (error: SpillwayError) => void }[] = []
	const stopped: string[] = []
	const loads = shareLoads<string>(
		() => new Promise((resolve, reject) => begun.push({ resolve, reject })),
		(key) => stopped.push(key),
	)
	const wait = (more: { remaining?: number; signal?: AbortSignal } = {}) =>
		loads.wait('m@', { remaining: Number.POSITIVE_INFINITY, signal: new AbortController().signal, ...more })
	return { loads, begun, stopped, wait }
}

const turn = () => vi.advanceTimersByTimeAsync(0)

test('who comes while it is under way joins it', async () => {
	const { begun, wait, loads } = controlled()
	const both = Promise.all([wait(), wait()])
	await turn()
	expect(begun).toHaveLength(1)
	expect(loads.idle('m@')).toBe(false)
	begun[0]?.resolve('loaded')
	expect(await both).toEqual(['loaded', 'loaded'])
	expect(loads.idle('m@')).toBe(true)
})

test('what begins a load can see that nobody waits for it any more', async () => {
	let wanted = () => false
	const loads = shareLoads<string>(
		(_, asked) => {
			wanted = asked
			return new Promise(() => {})
		},
		() => {},
	)
	const caller = new AbortController()
	const waiting = loads.wait('m@', { remaining: Number.POSITIVE_INFINITY, signal: caller.signal })
	await turn()
	expect(wanted()).toBe(true)
	caller.abort()
	await expect(waiting).rejects.toMatchObject({ code: 'aborted' })
	expect(wanted()).toBe(false)
})

test('who comes after a failure begins another one', async () => {
	const { begun, wait } = controlled()
	const first = wait()
	await turn()
	begun[0]?.reject(new SpillwayError('network', 'gone'))
	await expect(first).rejects.toMatchObject({ code: 'network' })
	const second = wait()
	await turn()
	begun[1]?.resolve('loaded')
	expect(await second).toBe('loaded')
})

describe('a failure', () => {
	test('is remembered for a while, and forgotten after a success', async () => {
		const { begun, stopped, wait, loads } = controlled()
		const failure = new SpillwayError('network', 'gone')
		const fail = async (i: number) => {
			const failing = wait()
			await turn()
			begun[i]?.reject(failure)
			await failing.catch(() => {})
		}
		await fail(0)
		// It has ended by itself: to stop it would stop another one of the same model.
		expect(stopped).toEqual([])
		expect(loads.failure('m@')).toBe(failure)
		expect(loads.idle('m@')).toBe(false)
		await vi.advanceTimersByTimeAsync(10_001)
		expect(loads.failure('m@')).toBeUndefined()
		expect(loads.idle('m@')).toBe(true)
		await fail(1)
		const again = wait()
		await turn()
		begun[2]?.resolve('loaded')
		await again
		expect(loads.failure('m@')).toBeUndefined()
	})
})

describe('giving up', () => {
	test('one of two: the load goes on for the other', async () => {
		const { begun, stopped, wait } = controlled()
		const controller = new AbortController()
		const first = wait({ signal: controller.signal })
		const second = wait()
		await turn()
		controller.abort()
		await expect(first).rejects.toMatchObject({ code: 'aborted' })
		expect(stopped).toEqual([])
		begun[0]?.resolve('loaded')
		expect(await second).toBe('loaded')
	})

	test('all: the load is stopped, and is no failure', async () => {
		const { begun, stopped, wait, loads } = controlled()
		const controller = new AbortController()
		const both = Promise.allSettled([wait({ signal: controller.signal }), wait({ remaining: 100 })])
		await turn()
		controller.abort()
		expect(stopped).toEqual([])
		await vi.advanceTimersByTimeAsync(100)
		expect(stopped).toEqual(['m@'])
		expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
		begun[0]?.reject(new SpillwayError('aborted', 'stopped'))
		await turn()
		expect(loads.failure('m@')).toBeUndefined()
	})

	test('who comes after that begins another one, whatever becomes of the first', async () => {
		const { begun, wait } = controlled()
		const first = wait({ remaining: 10 })
		first.catch(() => {})
		await vi.advanceTimersByTimeAsync(10)
		const second = wait()
		await turn()
		expect(begun).toHaveLength(2)
		begun[0]?.reject(new SpillwayError('aborted', 'stopped'))
		begun[1]?.resolve('loaded')
		expect(await second).toBe('loaded')
	})

	test('before it was begun: nothing is', async () => {
		const { begun, wait } = controlled()
		await expect(wait({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
		await turn()
		expect(begun).toHaveLength(0)
	})
})
