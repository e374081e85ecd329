// Telemetry whose reports are collected in place of being sent, in a time that the test moves.

import { afterEach, beforeEach, vi } from 'vitest'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import { deviceClass } from '../../runtime/telemetry/device.ts'
import { makeOutbox } from '../../runtime/telemetry/outbox.ts'
import type { Sender } from '../../runtime/telemetry/sender.ts'
import { makeTelemetry, type TelemetryParts } from '../../runtime/telemetry/telemetry.ts'
import type { Report } from '../../runtime/telemetry/wire.ts'

/** What it has put among the browser's entries. */
export const entries = () => performance.getEntriesByType('measure').filter(({ name }) => name.startsWith('spillway '))

/** Telemetry whose reports are collected. */
export function make(more: Partial<TelemetryParts> = {}) {
	const sent: Report[] = []
	const finished: Report[] = []
	const { records } = memoryStorage()
	const outbox = makeOutbox(records, 'https://edge.example.com/v1/telemetry', Date.now)
	const sender: Sender = {
		async send(report) {
			sent.push(report)
		},
		drain: vi.fn(async () => {}),
		finish: (report) => finished.push(report),
		stop: vi.fn(),
	}
	const about = { version: '0.1.0', ...deviceClass({}, false) }
	const telemetry = makeTelemetry({
		edge: 'https://edge.example.com/',
		reporting: { about, sender, outbox },
		timeline: performance,
		now: Date.now,
		...more,
	} as TelemetryParts)
	return { telemetry, sent, finished, outbox, sender }
}

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
	vi.useRealTimers()
	performance.clearMeasures()
})
