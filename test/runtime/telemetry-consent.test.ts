// Consent to reports: asked each time, given later, taken back, or never given.

import { describe, expect, test, vi } from 'vitest'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import { deviceClass } from '../../runtime/telemetry/device.ts'
import { makeOutbox } from '../../runtime/telemetry/outbox.ts'
import { makeSender } from '../../runtime/telemetry/sender.ts'
import { countOf } from '../../runtime/telemetry/wire-histogram.ts'
import { exampleReport } from '../edge/reports.ts'
import { entries, make } from './telemetry-collected.ts'
import { answered, failed } from './telemetry-observations.ts'

describe('consent', () => {
	test('is asked each time; a refusal throws away what was recorded and what was kept', async () => {
		const answers = [true, false, true]
		const consent = vi.fn(() => answers.shift() as boolean)
		const { telemetry, finished, outbox } = make({ consent })
		expect(consent).not.toHaveBeenCalled()
		telemetry.observe(answered(), 112)
		await telemetry.finish()
		expect(finished).toHaveLength(1)
		await outbox.add(exampleReport())
		telemetry.observe(failed('network'), 112)
		await telemetry.finish()
		expect(finished).toHaveLength(1)
		expect(await outbox.first()).toBeUndefined()
		telemetry.observe(answered(), 112)
		await telemetry.finish()
		expect(finished).toHaveLength(2)
		expect(finished[1]?.errors).toEqual([])
		expect(consent).toHaveBeenCalledTimes(3)
	})

	test('may be given later: nothing is reported until then', async () => {
		let give: (answer: boolean) => void = () => {}
		const { telemetry, sent, finished } = make({ consent: () => new Promise<boolean>((resolve) => (give = resolve)) })
		telemetry.observe(answered(), 112)
		await vi.advanceTimersByTimeAsync(60_000)
		telemetry.observe(answered(), 112)
		await telemetry.finish()
		expect([...sent, ...finished]).toEqual([])
		give(true)
		await vi.advanceTimersByTimeAsync(0)
		expect(sent.map(({ calls }) => calls.map(({ total }) => countOf(total)))).toEqual([[2]])
	})

	test('that is taken back reaches what was to be tried again', async () => {
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
		let posted = 0
		const outbox = makeOutbox(memoryStorage().records, 'https://edge.example.com/v1/telemetry', Date.now)
		const sender = makeSender({
			url: 'https://edge.example.com/v1/telemetry',
			key: 'pk_1',
			outbox,
			async fetch() {
				posted++
				return new Response(null, { status: 503 })
			},
			online: () => true,
			alone: (work) => work(),
			again: () => void telemetry.again(),
			now: Date.now,
		})
		let agreed = true
		const about = { version: '0.1.0', ...deviceClass({}, false) }
		const { telemetry } = make({ consent: () => agreed, reporting: { about, sender, outbox } })
		telemetry.observe(answered(), 112)
		await vi.advanceTimersByTimeAsync(60_000)
		const before = posted
		expect(before).toBeGreaterThan(1)
		agreed = false
		await vi.advanceTimersByTimeAsync(600_000)
		expect(posted).toBe(before)
		expect(await outbox.first()).toBeUndefined()
		expect(vi.getTimerCount()).toBe(0)
	})

	test('that is never given leaves nothing behind when the runtime is disposed', async () => {
		const { telemetry } = make({ consent: () => new Promise<boolean>(() => {}) })
		telemetry.observe(answered(), 112)
		telemetry.stop()
		await vi.advanceTimersByTimeAsync(0)
		expect(entries()).toEqual([])
		expect(vi.getTimerCount()).toBe(0)
	})

	test('that fails, or answers anything but true, is none', async () => {
		for (const consent of [() => Promise.reject(new Error('no dialog')), () => 1 as unknown as boolean]) {
			const { telemetry, finished, sender } = make({ consent })
			telemetry.observe(answered(), 112)
			await telemetry.finish()
			await telemetry.again()
			expect(finished).toEqual([])
			expect(sender.drain).not.toHaveBeenCalled()
		}
	})
})
