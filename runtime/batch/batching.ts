// Dynamic batching: the rows of calls of different callers share runs.

import type { Manifest } from '../../models/format/manifest.ts'
import type { Provenance, TensorsCall } from '../core/call.ts'
import { bounded } from '../core/deadline.ts'
import type { SpillwayError } from '../core/error.ts'
import type { Executor } from '../core/executor.ts'
import { Batcher } from './batcher.ts'

export interface BatchingOptions {
	manifest: Pick<Manifest, 'model' | 'inputs' | 'outputs' | 'axes' | 'task'>
	/** Most rows of a run. Default: as many as the measured times make worth while. */
	maxBatch?: number | undefined
	/** Milliseconds that a run which could begin waits for more rows, at most. Default: as long as the measured arrivals make it pay, at most 20. */
	maxWait?: number | undefined
	/**
	 * Most work of a run, rows times the named axes (tokens), padding included: bounds its memory. A row that is larger alone is refused.
	 * Default: 2048, and such a row runs alone.
	 */
	maxWork?: number
	/** Runs that may be under way in the inner executor at a time, now. Default: 1. */
	width?(): number
	/** The same, as it may become while calls wait: a call is given up only when that could not help it either. Default: as `width`. */
	mostWidth?(): number
	/** Told, when rows must wait, in how many milliseconds the last of them is expected to begin. */
	onWaiting?(backlog: number): void
	/** Told when the estimate may have changed. */
	onChange?(): void
	/** Whether an error may be one row's fault, beside those whose code says so: its rows are run again one by one. Default: none is. */
	isOneRows?(error: SpillwayError): boolean
	/** Calls back in a later turn of the event loop. Default: by a `MessageChannel`. */
	soon?(callback: () => void): void
}

/** What estimates of large calls go by. */
export interface BatchPace {
	/** Milliseconds of a run besides its work. */
	readonly fixed: number
	/** Milliseconds for each unit of work, e.g. for each token. */
	readonly perUnit: number
	/** Rows that share a run, where many come at once. */
	readonly rows: number
	/** Runs at a time. */
	readonly width: number
}

export interface Batching extends Executor {
	/** To be called when `width` may have grown. */
	next(): void
	/**
	 * To be told of a run of the inner executor's that went on after it was given up: where calls have less time than a run takes, there are no others.
	 *
	 * @param call as the inner executor got it.
	 */
	learn(call: TensorsCall, ran: Provenance): void
	/** What was measured; `null` before the first run. */
	batchPace(): BatchPace | null
	/** Calls, rows, runs and timers that are there; 0 when there is nothing to do. */
	pending(): number
}

/**
 * Cuts calls into rows along the manifest's `batch` axis, and runs rows of near-equal length together, whoever sent them. A model without
 * that axis has its calls run one by one, in the same order and within the same bounds. Rows with the same bytes share one run.
 *
 * Adds to the inner executor's errors: `too-large` when one row alone is over a `maxWork` that was given, `unavailable` when a call's rows were answered in
 * different spaces, `deadline-exceeded` at once when the time left cannot suffice.
 *
 * @example tokenized(batching({ manifest, width: () => pool.width })(pool), { manifest, tokenizer })
 */
export function batching(options: BatchingOptions): (inner: Executor) => Batching {
	return (inner) => {
		const batcher = new Batcher(inner, options)
		return {
			name: inner.name,
			accepts: inner.accepts,
			estimate: (call) => (call.kind === 'tensors' ? batcher.estimate(call) : inner.estimate(call)),
			async infer(call, context) {
				if (call.kind !== 'tensors') return inner.infer(call, context)
				const measured = batcher.measure(call)
				return bounded(`the call on ${inner.name}`, context, (abandoned) => batcher.answer(call, measured, context, abandoned))
			},
			next: () => batcher.pass(),
			learn: (call, ran) => batcher.learn(call, ran),
			batchPace: () => batcher.pace,
			pending: () => batcher.pending,
			dispose: () => batcher.dispose(),
		}
	}
}
