// The Durable Object with what all isolates of a Worker share: figures, quotas, reports that were counted, the latest spans. In memory: they begin anew when the platform ends
// the object, which Prometheus takes as a restart.

import { memoryQuota, type Quota } from '../auth/quota.ts'
import { prometheusStore } from '../metrics/prometheus.ts'
import type { MetricsStore } from '../metrics/store.ts'
import { memoryReports, type Reports } from '../telemetry/reports.ts'
import { memorySpans, type Spans } from '../telemetry/spans.ts'

/** The class for `[[durable_objects.bindings]]`. */
export class StateObject {
	#metrics: MetricsStore | undefined
	readonly #quota: Quota = memoryQuota()
	readonly #reports: Reports = memoryReports()
	readonly #spans: Spans = memorySpans()

	/** `POST /add`, `/take`, `/first` and `/trace` take JSON; `GET /latest` gives the spans, `GET /metrics/<version>` gives the figures. */
	async fetch(request: Request): Promise<Response> {
		const [, action, ...rest] = new URL(request.url).pathname.split('/')
		const version = rest[0] ?? ''
		if (action === 'take') {
			const { key, perMinute } = (await request.json()) as { key: string; perMinute: number }
			return Response.json(await this.#quota.take(key, perMinute))
		}
		if (action === 'first') return Response.json(await this.#reports.first((await request.json()) as string))
		if (action === 'latest') return Response.json(await this.#spans.latest())
		if (action === 'trace') {
			await this.#spans.add((await request.json()) as Parameters<Spans['add']>[0])
			return new Response(null, { status: 204 })
		}
		this.#metrics ??= prometheusStore({ version, platform: 'workerd' }, { inFlight: false })
		if (action === 'add') {
			await this.#metrics.add((await request.json()) as Parameters<MetricsStore['add']>[0])
			return new Response(null, { status: 204 })
		}
		return Response.json(await this.#metrics.render())
	}
}
