// From a page's report to figures for `/metrics`. Labels hold only names of the configuration and fixed words: whatever pages send, the
// number of series stays what it is.

import type { OverflowReason } from '../../runtime/core/call.ts'
import { countOf, type Histogram } from '../../runtime/telemetry/wire-histogram.ts'
import type { EdgeConfig } from '../config/schema.ts'
import { errorCodes } from '../guard/problem.ts'
import type { Increment } from '../metrics/store.ts'
import type { ReceivedReport } from './schema.ts'

const other = 'other'

/** ONNX Runtime's execution providers in browsers, and what edges and upstreams tell of themselves. */
const providers: readonly string[] = ['wasm', 'webgpu', 'webnn', 'cpu', 'cuda', 'tensorrt']
const reasons: readonly string[] = [
	'queue',
	'deadline',
	'memory',
	'loading',
	'unsupported',
	'unhealthy',
	'policy',
] satisfies OverflowReason[]
const phases: readonly string[] = ['channel', 'files', 'session', 'whole']
const operations: readonly string[] = ['embed', 'generate', 'infer', 'load']
const sources: readonly string[] = ['network', 'storage']

const oneOf = (known: readonly string[], given: string): string => (known.includes(given) ? given : other)

/** What the report adds. */
export function figuresOf(report: ReceivedReport, { models, upstreams }: Pick<EdgeConfig, 'models' | 'upstreams'>): Increment[] {
	const modelNames = Object.keys(models)
	const executorNames = ['device', 'edge', ...upstreams.map(({ name }) => name)]
	const modelOf = (given: string) => oneOf(modelNames, given)
	const executorOf = (given: string) => oneOf(executorNames, given)
	const device = classOf(report.device)
	const { browser, cores, memory, isolated, gpu } = report.device

	const figures: Increment[] = [
		{
			metric: 'spillway_page_reports_total',
			labels: { browser, cores, memory, isolated: `${isolated}`, gpu: `${gpu}` },
			value: 1,
		},
		...report.calls.flatMap(({ model, executor, provider, total, queue, run, batch }): Increment[] => {
			const labels = {
				model: modelOf(model),
				executor: executorOf(executor),
				provider: provider === null ? 'unknown' : oneOf(providers, provider),
			}
			return [
				{ metric: 'spillway_page_call_seconds', labels: { ...labels, device }, ...seconds(total) },
				{ metric: 'spillway_page_queue_seconds', labels, ...seconds(queue) },
				{ metric: 'spillway_page_run_seconds', labels: { ...labels, device }, ...seconds(run) },
				{ metric: 'spillway_page_batch_rows', labels, ...batch },
			]
		}),
		...report.loads.map(
			({ model, phase, time }): Increment => ({
				metric: 'spillway_page_load_seconds',
				labels: { model: modelOf(model), phase: oneOf(phases, phase), device },
				...seconds(time),
			}),
		),
		...report.overflow.map(
			({ model, executor, reason, count }): Increment => ({
				metric: 'spillway_page_overflow_total',
				labels: { model: modelOf(model), executor: executorOf(executor), reason: oneOf(reasons, reason) },
				value: count,
			}),
		),
		...report.errors.map(
			({ model, operation, code, count }): Increment => ({
				metric: 'spillway_page_errors_total',
				labels: { model: modelOf(model), operation: oneOf(operations, operation), code: oneOf(errorCodes, code) },
				value: count,
			}),
		),
		...report.bytes.map(
			({ model, source, count }): Increment => ({
				metric: 'spillway_page_loaded_bytes_total',
				labels: { model: modelOf(model), source: oneOf(sources, source) },
				value: count,
			}),
		),
	]
	return figures.filter((increment) => !('counts' in increment) || countOf(increment) > 0)
}

/** Pages and this project count milliseconds, Prometheus seconds. */
const seconds = ({ counts, sum }: Histogram): Histogram => ({ counts, sum: sum / 1000 })

/** One word for how much a device can do. */
function classOf({ cores, memory }: ReceivedReport['device']): string {
	if (cores === 'unknown') return 'unknown'
	if (cores === '1-2' || memory === '<4') return 'small'
	return cores === '3-4' || memory === '4-7' ? 'medium' : 'large'
}
