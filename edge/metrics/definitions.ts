// Every metric of the edge: name, help, type, labels. Labels hold only names from the configuration and fixed words.

import { batchBounds, callBounds, loadBounds } from '../../runtime/telemetry/wire-histogram.ts'

const inSeconds = (milliseconds: readonly number[]) => milliseconds.map((bound) => bound / 1000)

/** Upper bounds in seconds: a cached file to a long generation. The same as in pages. */
const latency = inSeconds(callBounds)

export interface Definition {
	readonly type: 'counter' | 'gauge' | 'histogram'
	readonly help: string
	readonly labels: readonly string[]
	/** Upper bounds of a histogram. */
	readonly buckets?: readonly number[]
}

export const definitions = {
	spillway_http_requests_total: {
		type: 'counter',
		help: 'HTTP requests answered, by route pattern, method, status and protocol.',
		labels: ['route', 'method', 'status', 'protocol'],
	},
	spillway_http_request_duration_seconds: {
		type: 'histogram',
		help: 'Time from request to the head of the response.',
		labels: ['route', 'protocol'],
		buckets: latency,
	},
	spillway_http_requests_in_flight: {
		type: 'gauge',
		help: 'HTTP requests being answered.',
		labels: [],
	},
	spillway_sent_bytes_total: {
		type: 'counter',
		help: 'Bytes of response bodies sent, by kind of content.',
		labels: ['kind'],
	},
	spillway_inference_run_seconds: {
		type: 'histogram',
		help: 'Time inside the execution provider for each call, where the executor tells it.',
		labels: ['model', 'executor', 'provider'],
		buckets: latency,
	},
	spillway_inference_queue_seconds: {
		type: 'histogram',
		help: 'Time that a call waited before its run, where the executor tells it.',
		labels: ['model', 'executor', 'provider'],
		buckets: latency,
	},
	spillway_inferences_total: {
		type: 'counter',
		help: 'Calls answered by an executor.',
		labels: ['model', 'executor', 'provider'],
	},
	spillway_version_calls_total: {
		type: 'counter',
		help: 'Calls by the version that they went to; code: the error that they ended in, or ok.',
		labels: ['model', 'version', 'code'],
	},
	spillway_shadow_total: {
		type: 'counter',
		help: 'Copies of calls to a shadow version, by outcome: same, different, failed, skipped.',
		labels: ['model', 'version', 'shadow', 'outcome'],
	},
	spillway_shadow_distance: {
		type: 'histogram',
		help: 'How far answers of a shadow version are from those given: 1 less the smallest cosine.',
		labels: ['model', 'version', 'shadow'],
		buckets: [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.5],
	},
	spillway_overflow_total: {
		type: 'counter',
		help: 'Executors passed by on the way to an answer, by reason.',
		labels: ['model', 'executor', 'reason'],
	},
	spillway_errors_total: {
		type: 'counter',
		help: 'Requests that ended in an error, by code.',
		labels: ['code', 'protocol'],
	},
	spillway_page_reports_total: {
		type: 'counter',
		help: 'Reports of pages taken in, by class of device.',
		labels: ['browser', 'cores', 'memory', 'isolated', 'gpu'],
	},
	spillway_page_call_seconds: {
		type: 'histogram',
		help: 'Time from call to answer, as pages saw it.',
		labels: ['model', 'executor', 'provider', 'device'],
		buckets: latency,
	},
	spillway_page_queue_seconds: {
		type: 'histogram',
		help: "Time that pages' calls waited before their run.",
		labels: ['model', 'executor', 'provider'],
		buckets: latency,
	},
	spillway_page_run_seconds: {
		type: 'histogram',
		help: "Time of pages' calls inside the execution provider.",
		labels: ['model', 'executor', 'provider', 'device'],
		buckets: latency,
	},
	spillway_page_batch_rows: {
		type: 'histogram',
		help: "Rows of the largest batch that a page's call was part of.",
		labels: ['model', 'executor', 'provider'],
		buckets: batchBounds,
	},
	spillway_page_load_seconds: {
		type: 'histogram',
		help: 'Time that pages took to load a model, by phase; whole: all of it, of loads that succeeded.',
		labels: ['model', 'phase', 'device'],
		buckets: inSeconds(loadBounds),
	},
	spillway_page_overflow_total: {
		type: 'counter',
		help: "Executors passed by on the way to an answer of a page's call, by reason.",
		labels: ['model', 'executor', 'reason'],
	},
	spillway_page_errors_total: {
		type: 'counter',
		help: 'Calls and loads of pages that ended in an error, by code.',
		labels: ['model', 'operation', 'code'],
	},
	spillway_page_loaded_bytes_total: {
		type: 'counter',
		help: 'Bytes of models that pages have loaded, from the network or from what the browser had stored.',
		labels: ['model', 'source'],
	},
	spillway_workers: {
		type: 'gauge',
		help: 'Worker processes that are running (serve --workers).',
		labels: [],
	},
	spillway_workers_replaced_total: {
		type: 'counter',
		help: 'Worker processes that were replaced, by reason: crash, hang, reload.',
		labels: ['reason'],
	},
	spillway_build_info: {
		type: 'gauge',
		help: 'Always 1; version of the package and platform that it runs on.',
		labels: ['version', 'platform'],
	},
} as const satisfies Record<string, Definition>

export type MetricName = keyof typeof definitions

/** What has buckets. */
export type HistogramName = { [Name in MetricName]: (typeof definitions)[Name]['type'] extends 'histogram' ? Name : never }[MetricName]
