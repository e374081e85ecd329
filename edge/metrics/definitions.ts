// Every metric of the edge: name, help, type, labels. Labels hold only names from the configuration and fixed words.

/** Upper bounds in seconds: a cached file to a long generation. */
const latency = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

interface Definition {
	readonly type: 'counter' | 'gauge' | 'histogram'
	readonly help: string
	readonly labels: readonly string[]
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
	spillway_build_info: {
		type: 'gauge',
		help: 'Always 1; version of the package and platform that it runs on.',
		labels: ['version', 'platform'],
	},
} as const satisfies Record<string, Definition>

export type MetricName = keyof typeof definitions
