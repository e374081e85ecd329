// Room for another version beside the one that serves.

import { expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { besides } from '../../runtime/device/update.ts'

/** A version with session workers; those that are too many take a moment to end. */
function version(workers: number) {
	const before = { count: workers, most: workers }
	return {
		before,
		workers: () => before.count,
		shrink() {
			before.most = 1
			setTimeout(() => {
				before.count = Math.min(before.count, before.most)
			}, 300)
			return () => {
				before.most = workers
			}
		},
	}
}

const signal = new AbortController().signal
const full = new SpillwayError('out-of-memory', 'no room')

test('where memory suffices, nothing is asked of the version that serves', async () => {
	const serving = version(3)
	expect(await besides(serving, signal, async () => 'there')).toBe('there')
	expect(serving.before).toEqual({ count: 3, most: 3 })
})

test('where it does not, the version that serves gives up all workers but one, and is waited for', async () => {
	const serving = version(3)
	const made = await besides(serving, signal, async () => {
		if (serving.workers() > 1) throw full
		return 'there'
	})
	expect(made).toBe('there')
	expect(serving.before).toEqual({ count: 1, most: 1 })
})

test('where one worker is too much, too, it may have all its workers again', async () => {
	const serving = version(3)
	await expect(besides(serving, signal, () => Promise.reject(full))).rejects.toBe(full)
	expect(serving.before.most).toBe(3)
})

test('any other error is told at once', async () => {
	const serving = version(3)
	const error = new SpillwayError('golden-mismatch', 'computes wrongly')
	await expect(besides(serving, signal, () => Promise.reject(error))).rejects.toBe(error)
	await expect(besides(undefined, signal, () => Promise.reject(full))).rejects.toBe(full)
	expect(serving.before).toEqual({ count: 3, most: 3 })
})
