// A page's report, for tests: two calls on the device, one load, one overflow, one error.

import { type KeyedReport, reportFormat } from '../../runtime/telemetry/wire.ts'
import { batchBounds, callBounds, emptyHistogram, loadBounds, withValue } from '../../runtime/telemetry/wire-histogram.ts'

const histogram = (bounds: readonly number[], values: readonly number[]) =>
	values.reduce((sum, value) => withValue(sum, bounds, value), emptyHistogram(bounds))

export function exampleReport(more: Partial<KeyedReport> = {}): KeyedReport {
	const now = Date.now()
	return {
		format: reportFormat,
		id: crypto.randomUUID(),
		version: '0.1.0',
		build: 'Chromium 156',
		device: { browser: 'chromium', cores: '3-4', memory: '8+', isolated: false, gpu: true },
		madeAt: now,
		sentAt: now,
		calls: [
			{
				model: 'm',
				executor: 'device',
				provider: 'wasm',
				total: histogram(callBounds, [12, 31]),
				queue: histogram(callBounds, [0.5, 20]),
				run: histogram(callBounds, [9, 9]),
				batch: histogram(batchBounds, [1, 1]),
			},
		],
		loads: [{ model: 'm', phase: 'whole', time: histogram(loadBounds, [1200]) }],
		overflow: [{ model: 'm', executor: 'device', reason: 'loading', count: 3 }],
		errors: [{ model: 'm', operation: 'embed', code: 'deadline-exceeded', count: 2 }],
		bytes: [{ model: 'm', source: 'network', count: 1_000_000 }],
		spans: [
			{
				trace: '0af7651916cd43dd8448eb211c80319c',
				span: 'b7ad6b7169203331',
				operation: 'embed',
				model: 'm',
				start: now - 100,
				duration: 12,
				executor: 'device',
				provider: 'wasm',
				run: 9,
			},
		],
		...more,
	}
}
