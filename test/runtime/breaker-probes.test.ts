// The circuit breaker while its circuit is not closed: how long it pauses, and who tries whether the server answers again.

import { describe, expect, test } from 'vitest'
import { guarded, later, opened } from './breaker-guarded.ts'
import { context, embedCall } from './scripted.ts'

describe('while it is not closed', () => {
	test('after the pause one call tries, and the others do not rush after it', async () => {
		const { call, become, asked, can } = await opened()
		await later(1000)
		expect(can()).toBe('now')
		become({ after: 100 })
		const calls = Array.from({ length: 12 }, () => call())
		expect(can()).toBe('no')
		await later(100)
		const settled = await Promise.all(calls)
		expect(settled.filter((one) => one === 'answered')).toHaveLength(1)
		expect(asked()).toBe(4)
		expect(can()).toBe('now')
		expect(await Promise.all([call(), call()].map((one) => later(100).then(() => one)))).toEqual(['answered', 'answered'])
	})

	test('each probe that fails makes the pause twice as long, up to a limit', async () => {
		const { call, guard } = await opened()
		const pauses: number[] = []
		for (let i = 0; i < 7; i++) {
			const { queue } = guard.estimate(embedCall)
			pauses.push(queue)
			await later(queue)
			await call()
		}
		expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
	})

	test('a random part of the pause is left out, so that not all pages come back at once', async () => {
		const { guard } = await opened({ random: () => 0.5 })
		expect(guard.estimate(embedCall).queue).toBe(750)
	})

	test('many that fail at once are one failure of the circuit', async () => {
		const { guard } = guarded({ fails: 'network', after: 100 })
		const calls = Array.from({ length: 50 }, () => guard.infer(embedCall, context()).catch(() => {}))
		await later(100)
		await Promise.all(calls)
		expect(guard.estimate(embedCall).queue).toBe(1000)
	})

	test('who has nowhere else to go may try before the pause is over, one at a time', async () => {
		const { call, become, asked, can } = await opened()
		become({})
		expect(await call()).toBe('answered')
		expect(asked()).toBe(4)
		expect(can()).toBe('now')
	})

	test('a probe that is aborted says nothing, and leaves its place to another', async () => {
		const { call, become, can } = await opened()
		await later(1000)
		become({ after: Number.POSITIVE_INFINITY })
		const controller = new AbortController()
		const probe = call('minilm', { signal: controller.signal })
		expect(can()).toBe('no')
		controller.abort()
		await probe
		expect(can()).toBe('now')
	})

	test('of two that overlap, an answer counts however late, and who leaves opens no place for a third', async () => {
		const { call, become, can } = await opened()
		await later(1000)
		become({ after: 5_200 })
		const leaving = new AbortController()
		const first = call('minilm', { signal: leaving.signal, remaining: 60_000 })
		await later(5_000)
		const second = call('minilm', { remaining: 60_000 })
		expect(can()).toBe('no')
		leaving.abort()
		await first
		expect(can()).toBe('no')
		await later(5_200)
		expect(await second).toBe('answered')
		expect(can()).toBe('now')
	})

	test('an answer closes it though another probe has failed meanwhile', async () => {
		const { call, become, can } = await opened()
		await later(1000)
		become({ after: 6_000 })
		const slow = call('minilm', { remaining: 60_000 })
		await later(5_000)
		become({ fails: 'network' })
		await call()
		expect(can()).toBe('no')
		await later(1_000)
		expect(await slow).toBe('answered')
		expect(can()).toBe('now')
	})

	test.each([
		[700, 700],
		[60_000, 5_000],
	])('a probe with %i ms that is never heard of again is forgotten after %i ms', async (remaining, forgotten) => {
		const { call, become, can } = await opened()
		await later(1000)
		become({ after: Number.POSITIVE_INFINITY, heeds: false })
		call('minilm', { remaining })
		await later(forgotten - 1)
		expect(can()).toBe('no')
		await later(1)
		expect(can()).toBe('now')
	})
})
