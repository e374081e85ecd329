// A version of a model, from its bytes to an executor: session workers, calls batched for them, and the manifest's task.

import { type Batching, batching } from '../batch/batching.ts'
import { SpillwayError } from '../core/error.ts'
import type { Executor } from '../core/executor.ts'
import { likelyWork } from '../session/inputs.ts'
import type { Records } from '../store/storage/storage.ts'
import type { Version } from '../store/store.ts'
import type { Pace } from '../tasks/pace.ts'
import { tokenized } from '../tasks/tokenized.ts'
import type { Tokenizer } from '../tasks/tokenizer.ts'
import type { ServingReport, Tuning } from './control.ts'
import type { Prepared } from './member.ts'
import { createPool, type Pool, type PoolOptions } from './pool.ts'
import type { Builds } from './serving/builds.ts'
import { findDevice } from './serving/device.ts'
import type { Kind } from './serving/kind.ts'
import { keepLine } from './serving/line.ts'
import { fewerThreads, Selection } from './serving/selection.ts'
import { createServing } from './serving/serving.ts'
import { fileOf, sessionsOf } from './serving/sessions.ts'
import type { Stillness } from './serving/stillness.ts'

export interface ServeOptions {
	version: Version
	/** Of a model with a task. */
	tokenizer: Tokenizer | undefined
	/** The kind of session worker that serves first. */
	first: Kind
	/** What the application has fixed. */
	tuning: Readonly<Tuning>
	builds: Builds
	stillness: Stillness
	/** Nothing may be asked of the network once the version serves. */
	quiet: boolean
	/** Starts a session worker with a kind's build of ONNX Runtime in it. */
	prepare(kind: Kind, signal: AbortSignal): Promise<Prepared>
	records: Records
	/** Reads files again, from storage alone: for a worker beside the first, or in place of one that died. */
	again(files: readonly string[]): Promise<Version['files']>
	/** Whether anything may be downloaded for a trial. */
	mayFetch(): boolean
	/** Brings files into storage that were not needed so far. */
	fetch(files: readonly string[], signal: AbortSignal): Promise<unknown>
	/** Ends everything. */
	signal: AbortSignal
	onChange(): void
	/** Takes a line to a session worker, for the page. @param worker aborts when that is gone. */
	onLine(port: MessagePort, worker: AbortSignal): void
	/** Told when the session workers die and cannot be replaced. */
	onFailed(error: SpillwayError): void
}

export interface Served {
	executor: Executor
	/** What texts take; `null` for a model that reads none, and before the first. */
	pace(): Pace | null
	/** Whether the golden samples were run, or had been. */
	golden: 'passed' | 'remembered'
	/** Who answers now. */
	kind(): Kind
	report(): ServingReport
	/** Begins to look for a better kind, and gives the page its line. */
	select(): void
	/** Session workers now. */
	workers(): number
	/** Makes do with one session worker, until the returned function is called. */
	shrink(): () => void
}

/** Bytes that may be downloaded to try another kind: a graph, but not weights once more. */
const mostForTrial = 4e6

/** @throws what `startMember` throws. */
export async function serveVersion(options: ServeOptions): Promise<Served> {
	const {
		version,
		tokenizer,
		first,
		tuning,
		builds,
		stillness,
		quiet,
		prepare,
		records,
		again,
		mayFetch,
		fetch,
		onChange,
		onLine,
		onFailed,
	} = options
	const { manifest, digest } = version
	const { task } = manifest

	/** Aborts when nobody is left to serve. */
	const over = new AbortController()
	const signal = AbortSignal.any([options.signal, over.signal])
	let golden: Served['golden'] = 'passed'
	let batched: Batching | undefined
	let lookAtLine = () => {}
	const changed = () => {
		batched?.next()
		lookAtLine()
		onChange()
	}

	const start = sessionsOf({ version, prepare, again, records, deviceOf: (kind) => selection.deviceOf(kind) })
	const selection = new Selection({
		manifest,
		digest,
		tuning,
		first,
		records,
		stillness,
		signal,
		findDevice: () => findDevice(tuning, builds),
		async start(kind, signal) {
			const { member, note } = await start(kind, signal)
			if (!note) return member
			member.end(note)
			throw fewerThreads(note)
		},
		async obtain(kind, signal) {
			const size = kind.files
				.filter((name) => !first.files.includes(name))
				.reduce((sum, name) => sum + (manifest.files[name]?.size ?? 0), 0)
			if (size > mostForTrial) throw new SpillwayError('too-large', `${Math.ceil(size / 1e6)} MB more are not downloaded for a trial`)
			if (!mayFetch()) throw new SpillwayError('unavailable', 'nothing may be downloaded for a trial now')
			const ort = builds[kind.build]
			await Promise.all([fetch(kind.files, signal), ort?.compiled(), ort?.script()])
		},
		onChange,
	})

	async function open(kind: Kind, events: Pick<PoolOptions, 'onChange' | 'onFailed'>, life: AbortSignal): Promise<Pool> {
		/** Why a GPU's worker ended. It is not tried again: others answer in its place. */
		let lost: SpillwayError | undefined
		return createPool({
			name: 'device',
			most: kind.workers,
			work: (call) => (call.kind === 'tensors' ? likelyWork(manifest, call.tensors) : 1),
			...events,
			onUnheard: (call, ran) => call.kind === 'tensors' && batched?.learn(call, ran),
			async start(signal) {
				if (lost) throw lost
				const { member, remembered, note } = await start(kind, AbortSignal.any([signal, life, options.signal]))
				if (kind === first) {
					golden = remembered ? 'remembered' : 'passed'
					if (note) selection.note(note)
				}
				if (kind.provider !== 'wasm')
					member.over.addEventListener('abort', () => {
						lost = SpillwayError.from(member.over.reason)
					})
				return member
			},
		})
	}

	const serving = await createServing({
		name: 'device',
		first,
		open,
		fallbacks: () => selection.fallbacks(),
		onChange: changed,
		onFailed(error) {
			over.abort(error)
			onFailed(error)
		},
	})
	// The workers have them now, and the tokenizer what it needs.
	version.files.clear()
	if (quiet) await selection.prepare()
	const { maxBatch, maxWait } = tuning
	batched = batching({
		manifest,
		maxBatch,
		maxWait,
		width: () => serving.width,
		mostWidth: () => (serving.trouble ? serving.width : serving.most),
		onWaiting: (backlog) => serving.want(backlog),
		onChange,
	})(serving)
	const served = {
		golden,
		kind: () => serving.kind,
		report: () => selection.report(serving),
		select() {
			selection.begin(serving)
			if (!task) return
			lookAtLine = keepLine({
				member: () => serving.first,
				tokenizer: async () => fileOf(await again([task.tokenizer]), task.tokenizer),
				stillness,
				signal,
				onLine,
			})
			lookAtLine()
		},
		workers: () => serving.workers,
		shrink() {
			const { most } = serving
			serving.setMost(1)
			return () => serving.setMost(most)
		},
	}
	if (!task || !tokenizer) return { ...served, executor: batched, pace: () => null }
	const executor = tokenized(batched, { manifest, tokenizer })
	return { ...served, executor, pace: () => executor.pace }
}
