// The Durable Object with what all isolates of a Worker share. Figures, quotas, reports that were counted, the latest spans and comparisons are in
// memory: they begin anew when the platform ends the object, which Prometheus takes as a restart. Changed routes are stored.

import { SpillwayError } from '../../runtime/core/error.ts'
import { memoryQuota, type Quota } from '../auth/quota.ts'
import { prometheusStore } from '../metrics/prometheus.ts'
import type { MetricsStore } from '../metrics/store.ts'
import { memoryReports, type Reports } from '../telemetry/reports.ts'
import { memorySpans, type Spans } from '../telemetry/spans.ts'
import { type Comparison, type Comparisons, memoryComparisons } from '../versions/comparisons.ts'
import type { Change, RouteStore } from '../versions/state.ts'
import { type ObjectStorage, storedRoutes } from './stored-routes.ts'

/** The class for `[[durable_objects.bindings]]`. */
export class StateObject {
	#metrics: MetricsStore | undefined
	readonly #quota: Quota = memoryQuota()
	readonly #reports: Reports = memoryReports()
	readonly #spans: Spans = memorySpans()

	readonly #comparisons: Comparisons = memoryComparisons()
	readonly #routes: RouteStore

	constructor({ storage }: { readonly storage: ObjectStorage }) {
		this.#routes = storedRoutes(storage)
	}

	/**
	 * `POST /add`, `/take`, `/first`, `/trace`, `/change` and `/compare` take JSON; `GET /latest` gives the spans, `GET /metrics/<version>` the
	 * figures, `GET /routes` what the admin API has changed, `GET /compared/<model>` what shadow traffic has shown.
	 */
	async fetch(request: Request): Promise<Response> {
		const [, action, ...rest] = new URL(request.url).pathname.split('/')
		const version = rest[0] ?? ''
		if (action === 'take') {
			const { key, perMinute, most } = (await request.json()) as { key: string; perMinute: number; most?: number }
			return Response.json(await this.#quota.take(key, perMinute, most))
		}
		if (action === 'first') return Response.json(await this.#reports.first((await request.json()) as string))
		if (action === 'routes') return Response.json(await this.#routes.read())
		if (action === 'change') return this.#change((await request.json()) as Change)
		if (action === 'compared') return Response.json(await this.#comparisons.of(rest[0] ?? ''))
		if (action === 'compare') {
			await this.#comparisons.add((await request.json()) as Comparison)
			return new Response(null, { status: 204 })
		}
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

	async #change(change: Change): Promise<Response> {
		try {
			return Response.json(await this.#routes.change(change))
		} catch (error) {
			const { code, message } = SpillwayError.from(error)
			return Response.json({ code, detail: message }, { status: 409 })
		}
	}
}
