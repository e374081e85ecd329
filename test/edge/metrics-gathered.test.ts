// Figures added up before they reach the registry: what Prometheus reads is as if each had come alone.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gathered } from '../../edge/metrics/gathered.ts'
import { prometheusStore } from '../../edge/metrics/prometheus.ts'
import type { Increment } from '../../edge/metrics/store.ts'

const build = { version: '1.2.3', platform: 'node' }
const labels = { route: '/v1/tasks/:task', protocol: 'task' }

const increment = fc.oneof(
	fc.record({
		metric: fc.constant('spillway_sent_bytes_total' as const),
		labels: fc.constantFrom({ kind: 'chunk' }, { kind: 'task' }),
		value: fc.nat(),
	}),
	fc.record({
		metric: fc.constant('spillway_http_request_duration_seconds' as const),
		labels: fc.constant(labels),
		// Eighths, so that sums are the same in whichever order.
		value: fc.nat(400).map((eighths) => eighths / 8),
	}),
)

test('sent on as sums they give the same text as one by one', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(increment), fc.array(increment), async (first, second) => {
			const alone = prometheusStore(build)
			const summed = prometheusStore(build)
			for (const batch of [first, second]) {
				const { add, take } = gathered()
				for (const one of batch) {
					alone.add([one as Increment])
					add([one as Increment])
				}
				// As it travels to a Durable Object.
				summed.add(JSON.parse(JSON.stringify(take())))
				await summed.render()
			}
			expect(await summed.render()).toEqual(await alone.render())
		}),
	)
})

test('what is no number, or counted between other bounds, does not spoil the sum', async () => {
	const store = prometheusStore(build)
	const metric = 'spillway_http_request_duration_seconds'
	for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 2]) store.add([{ metric, labels, value }])
	store.add([{ metric, labels, counts: [1, 2], sum: 3 }])
	const { body } = await store.render()
	expect(body).toMatch(/^spillway_http_request_duration_seconds_sum\{.*\} 2$/m)
	expect(body).toMatch(/^spillway_http_request_duration_seconds_count\{.*\} 1$/m)
})
