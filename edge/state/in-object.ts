// Metrics, quotas, spans and the memory of reports, which live in the Durable Object of `object.ts`, seen from a Worker.

import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import { inAdvanceOf, type Quota, type QuotaAnswer } from '../auth/quota.ts'
import { gathered } from '../metrics/gathered.ts'
import type { MetricsStore, MetricsText } from '../metrics/store.ts'
import type { ObjectNamespace } from '../platform/workerd/bindings.ts'
import type { Reports } from '../telemetry/reports.ts'
import type { Span, Spans } from '../telemetry/spans.ts'
import type { Compared, Comparisons } from '../versions/comparisons.ts'
import type { RouteState, RouteStore } from '../versions/state.ts'
import { cachedRoutes } from './cached-routes.ts'

export interface SharedState {
	readonly metrics: MetricsStore
	readonly quota: Quota
	readonly reports: Reports
	readonly spans: Spans
	readonly routes: RouteStore
	readonly comparisons: Comparisons
}

/** Milliseconds for which figures are gathered. */
const reporting = 100

/**
 * @param objects the binding of {@link StateObject}; one object is used.
 * @param version of the package, for `spillway_build_info`.
 */
export function sharedState(objects: ObjectNamespace, version: string): SharedState {
	async function ask(path: string, body?: unknown): Promise<Response> {
		const stub = objects.get(objects.idFromName('state'))
		const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
		const response = await stub.fetch(`https://state.invalid/${path}`, init)
		if (response.ok) return response
		const { code, detail } = (await response.json().catch(() => ({}))) as { code?: ErrorCode; detail?: string }
		if (code && detail) throw new SpillwayError(code, detail)
		throw new SpillwayError('unavailable', `the state object answered ${response.status}`)
	}

	/** What was reported lately: each message has its price. */
	const lately = gathered()
	/** When a request last took it upon itself to send what is there by then. */
	let promised = Number.NEGATIVE_INFINITY

	async function flush(): Promise<void> {
		const batch = lately.take()
		if (batch.length > 0) await ask(`add/${version}`, batch)
	}

	return {
		metrics: {
			add(increments) {
				// Requests that are cut off never report their end.
				const wanted = increments.filter(({ metric }) => metric !== 'spillway_http_requests_in_flight')
				if (wanted.length === 0) return
				lately.add(wanted)
				// One request at a time waits, by a timer of its own, and sends what is there by then, of others, too. Should it be cut off,
				// the next one does. None waits for another one.
				const now = performance.now()
				if (now - promised < reporting) return
				promised = now
				return new Promise<void>((resolve) => setTimeout(resolve, reporting)).then(flush)
			},
			async render() {
				await flush()
				return (await (await ask(`metrics/${version}`)).json()) as MetricsText
			},
		},
		quota: inAdvanceOf({
			take: async (key, perMinute, most) => (await (await ask('take', { key, perMinute, most })).json()) as QuotaAnswer,
		}),
		reports: {
			first: async (id) => (await (await ask('first', id)).json()) as boolean,
		},
		spans: {
			async add(spans) {
				await ask('trace', spans)
			},
			latest: async () => (await (await ask('latest')).json()) as Span[],
		},
		routes: cachedRoutes(async (change) => (await (await ask(change ? 'change' : 'routes', change)).json()) as RouteState),
		comparisons: {
			async add(comparison) {
				await ask('compare', comparison)
			},
			of: async (model) => (await (await ask(`compared/${model}`)).json()) as Compared[],
		},
	}
}
