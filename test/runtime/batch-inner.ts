// Executors below batching that do as they are told, and calls that cannot be mistaken for one another.

import type { Manifest } from '../../models/format/manifest.ts'
import { type BatchingOptions, batching } from '../../runtime/batch/batching.ts'
import { type Answer, provenance, type TensorsCall, type TensorsOutput } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { context } from './tiny-sessions.ts'

/** Texts of token ids; both outputs tell of which row they are. */
export const echoing: Pick<Manifest, 'model' | 'inputs' | 'outputs' | 'axes' | 'task'> = {
	model: 'echo',
	task: null,
	inputs: [{ name: 'ids', datatype: 'INT32', shape: ['batch', 'tokens'], pad: 0 }],
	outputs: [
		{ name: 'echo', datatype: 'INT32', shape: ['batch', 'tokens'] },
		{ name: 'sum', datatype: 'FP32', shape: ['batch'] },
	],
	axes: { batch: {}, tokens: { max: 300 } },
}

/** So many tokens, that nobody else has. */
export const text = (length: number, id: number) => Array.from({ length }, (_, index) => 1 + id * 1000 + index)

/** A call of these rows, all of one length. */
export const callOf = (...rows: number[][]): TensorsCall => ({
	kind: 'tensors',
	model: { name: 'echo' },
	tensors: { ids: tensor('INT32', [rows.length, rows[0]?.length ?? 0], Int32Array.from(rows.flat())) },
})

export const rowsOf = ({ ids }: Tensors): number[][] => {
	const [rows = 0, length = 0] = ids?.shape ?? []
	return Array.from({ length: rows }, (_, row) => Array.from(ids?.data.slice(row * length, (row + 1) * length) as Int32Array))
}

/** Throws unless the answer is that of the call. */
export function check(call: TensorsCall, { output }: Answer): void {
	const { echo, sum } = (output as TensorsOutput).tensors
	const { ids } = call.tensors
	const sums = rowsOf(call.tensors).map((row) => row.reduce((a, b) => a + b, 0))
	if (String(echo?.data) !== String(ids?.data) || String(echo?.shape) !== String(ids?.shape) || String(sum?.data) !== String(sums))
		throw new Error(`${ids?.data} was answered by ${echo?.data}, ${sum?.data}`)
}

/** One run of the inner executor. */
export interface Seen {
	/** With their padding. */
	readonly rows: number[][]
	readonly context: Context
	over: boolean
}

export interface Inner extends Executor {
	readonly runs: Seen[]
	/** Of these, those that are under way. */
	readonly under: number
	/** Closes the gate; the returned function opens it. */
	close(): () => void
}

export interface InnerOptions {
	/** Milliseconds of a run. Default: as many turns of the event loop as it takes to pass the gate, none. */
	time?: (rows: number[][]) => number
	/** What is told of that time. Default: the same. */
	told?: (rows: number[][]) => number | null
	/** A run fails with it. */
	fails?: (rows: number[][]) => SpillwayError | undefined
}

/** Answers each row with itself and its sum. Heeds its signal and its time. */
export function innerOf({ time = () => 0, told = time, fails = () => undefined }: InnerOptions = {}): Inner {
	const runs: Seen[] = []
	let under = 0
	let gate: Promise<void> | undefined
	let disposed = false
	return {
		name: 'inner',
		accepts: ['tensors'],
		runs,
		get under() {
			return under
		},
		close() {
			let open = () => {}
			gate = new Promise((resolve) => {
				open = () => {
					gate = undefined
					resolve()
				}
			})
			return open
		},
		estimate: () => (disposed ? { can: 'no', reason: 'unhealthy', queue: 0, run: 0 } : { can: 'now', queue: 0, run: 0 }),
		async infer(call, context) {
			const { tensors } = call as TensorsCall
			const rows = rowsOf(tensors)
			const seen = { rows, context, over: false }
			runs.push(seen)
			under++
			try {
				await heeding(context, async () => {
					await gate
					const wait = time(rows)
					if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
				})
				const error = fails(rows)
				if (error) throw error
				const outputs = {
					echo: tensor('INT32', tensors.ids?.shape ?? [], Int32Array.from(rows.flat())),
					sum: tensor(
						'FP32',
						[rows.length],
						Float32Array.from(rows, (row) => row.reduce((a, b) => a + b, 0)),
					),
				}
				const ran = { ...provenance('inner', call.model), space: 'echo@1/x', queue: 0, run: told(rows), batch: rows.length }
				return { output: { kind: 'tensors', tensors: outputs }, ran }
			} finally {
				under--
				seen.over = true
			}
		},
		async dispose() {
			disposed = true
		},
	}
}

const heeding = ({ signal, remaining }: Context, work: () => Promise<void>): Promise<void> =>
	new Promise((resolve, reject) => {
		const stop = () => reject(new SpillwayError('aborted', 'stopped'))
		const timer = setTimeout(() => reject(new SpillwayError('deadline-exceeded', 'too late')), Math.min(remaining, 2 ** 31 - 1))
		signal.addEventListener('abort', stop)
		work()
			.then(resolve, reject)
			.finally(() => {
				clearTimeout(timer)
				signal.removeEventListener('abort', stop)
			})
	})

/** Batching over such an executor. */
export function batchingOver(options: InnerOptions = {}, more: Partial<BatchingOptions> = {}) {
	const inner = innerOf(options)
	return { inner, batched: batching({ manifest: echoing, ...more })(inner) }
}

/** Sends calls while another one's run is under way, so that they wait together however slow this machine is. Forgets that other run. */
export async function together<T>({ inner, batched }: ReturnType<typeof batchingOver>, send: () => Promise<T>[]): Promise<T[]> {
	const open = inner.close()
	const first = batched.infer(callOf([999_999]), context())
	await until(() => inner.under === 1)
	const sent = send()
	// Their rows come a few microtasks later.
	await idle()
	const settled = Promise.all(sent)
	settled.catch(() => {})
	inner.runs.length = 0
	open()
	await first
	return settled
}

export async function until(condition: () => boolean): Promise<void> {
	while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}

/** How calls have ended. */
export const codes = async (calls: Promise<Answer>[]) =>
	(await Promise.allSettled(calls)).map((result) => (result.status === 'fulfilled' ? 'answered' : (result.reason as SpillwayError).code))

export const failing = (code: SpillwayError['code']) => new SpillwayError(code, `${code}, as it was told`)

/** Lets all that can be done be done: turns of the event loop. */
export async function idle(turns = 5): Promise<void> {
	for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
}
