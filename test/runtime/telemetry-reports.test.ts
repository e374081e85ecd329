// When reports are made, and of what.

import { describe, expect, test, vi } from 'vitest'
import { countOf } from '../../runtime/telemetry/wire-histogram.ts'
import { make } from './telemetry-collected.ts'
import { answered, failed } from './telemetry-observations.ts'

describe('when reports are made', () => {
	test('half a minute after something happened, and not while nothing does', async () => {
		const { telemetry, sent } = make()
		expect(vi.getTimerCount()).toBe(0)
		telemetry.observe(answered(), 112)
		telemetry.observe(answered(), 113)
		expect(vi.getTimerCount()).toBe(1)
		await vi.advanceTimersByTimeAsync(23_000)
		expect(sent).toEqual([])
		await vi.advanceTimersByTimeAsync(14_000)
		expect(sent.map(({ calls }) => calls.map(({ total }) => countOf(total)))).toEqual([[2]])
		expect(vi.getTimerCount()).toBe(0)
	})

	test('sooner when there is more to tell than fits', async () => {
		const { telemetry, sent } = make()
		for (let i = 0; i < 64; i++) telemetry.observe(answered(), 112)
		await vi.advanceTimersByTimeAsync(0)
		expect(sent).toHaveLength(1)
		// But not again at once.
		for (let i = 0; i < 64; i++) telemetry.observe(answered(), 112)
		await vi.advanceTimersByTimeAsync(0)
		expect(sent).toHaveLength(1)
		await telemetry.stop()
	})

	test('at once when the page is hidden, within the handler; and when the runtime is disposed', async () => {
		const { telemetry, finished, sender } = make()
		telemetry.observe(answered(), 112)
		telemetry.finish()
		expect(finished).toHaveLength(1)
		telemetry.finish()
		telemetry.observe(failed('network'), 112)
		await telemetry.stop()
		expect(finished).toHaveLength(2)
		expect(sender.stop).toHaveBeenCalled()
		telemetry.observe(answered(), 112)
		expect(vi.getTimerCount()).toBe(0)
	})

	test('no call under device-only is told of, whatever the others are under', async () => {
		const { telemetry, finished } = make()
		telemetry.observe(answered({ policy: 'device-only', model: 'secret' }), 112)
		telemetry.observe(failed('network', { policy: 'device-only', model: 'secret' }), 112)
		telemetry.finish()
		expect(finished).toEqual([])
		telemetry.observe(answered(), 112)
		telemetry.finish()
		expect(JSON.stringify(finished)).not.toContain('secret')
	})

	test('a model that was there is no load', () => {
		const { telemetry, finished } = make()
		telemetry.observe({ type: 'load', model: 'minilm', start: 1 }, 2)
		telemetry.finish()
		expect(finished).toEqual([])
		telemetry.observe({ type: 'load', model: 'minilm', start: 1, error: 'environment' }, 2)
		telemetry.finish()
		expect(finished[0]?.errors).toEqual([{ model: 'minilm', operation: 'load', code: 'environment', count: 1 }])
	})
})
