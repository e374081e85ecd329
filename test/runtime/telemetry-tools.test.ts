// What the browser's own tools show of calls.

import { describe, expect, test } from 'vitest'
import { entries, make } from './telemetry-collected.ts'
import { answered } from './telemetry-observations.ts'

describe("the browser's tools", () => {
	test('show a call, its wait and its run', () => {
		const { telemetry } = make()
		telemetry.observe(answered(), 112)
		const found = entries().map(({ name, startTime, duration }) => [name, startTime, Math.round(duration)])
		expect(found).toEqual([
			['spillway minilm embed', 100, 12],
			['spillway minilm queue', 100, 2],
			['spillway minilm run', 102, 10],
		])
		expect((entries()[0] as PerformanceMeasure).detail).toMatchObject({
			executor: 'device',
			provider: 'wasm',
			devtools: { track: 'Spillway' },
		})
	})

	test('keep a bounded number of entries, and none after the end', async () => {
		const { telemetry } = make({ reporting: null })
		performance.measure('of the application')
		for (let i = 0; i < 500; i++) {
			telemetry.observe(answered(), 112)
			expect(entries().length).toBeLessThanOrEqual(100)
		}
		expect(entries().length).toBeGreaterThan(0)
		await telemetry.stop()
		expect(entries()).toEqual([])
		expect(performance.getEntriesByName('of the application')).toHaveLength(1)
	})
})
