// A version of a model, from its bytes to an executor: session workers, calls batched for them, and the manifest's task.

import { type Batching, batching } from '../batch/batching.ts'
import type { SpillwayError } from '../core/error.ts'
import type { Executor } from '../core/executor.ts'
import { type Verdict, verdictKey } from '../session/checked.ts'
import { likelyWork } from '../session/inputs.ts'
import type { Records } from '../store/storage.ts'
import type { Version } from '../store/store.ts'
import type { Pace } from '../tasks/pace.ts'
import { tokenized } from '../tasks/tokenized.ts'
import { createTokenizer } from '../tasks/tokenizer.ts'
import type { Choice } from './choose.ts'
import type { Tuning } from './control.ts'
import { type Prepared, startMember } from './member.ts'
import { createPool } from './pool.ts'

export interface ServeOptions {
	version: Version
	choice: Choice
	/** What the application has fixed. */
	tuning: Readonly<Tuning>
	/** Starts a session worker and ONNX Runtime in it. */
	prepare(signal: AbortSignal): Promise<Prepared>
	records: Records
	/** Reads files again, from storage alone: for a worker beside the first, or in place of one that died. */
	again(files: readonly string[]): Promise<Version['files']>
	/** Breaks the start off; later it has no effect. */
	signal: AbortSignal
	onChange(): void
	/** Told when the session workers die and cannot be replaced. */
	onFailed(error: SpillwayError): void
}

export interface Served {
	executor: Executor
	/** What texts take; `null` for a model that reads none, and before the first. */
	pace(): Pace | null
	/** Whether the golden samples were run, or had been. */
	golden: 'passed' | 'remembered'
}

/** @throws what `startMember` throws; `malformed` for a tokenizer that cannot be used. */
export async function serveVersion(options: ServeOptions): Promise<Served> {
	const { version, choice, tuning, records, prepare, again, onChange, onFailed } = options
	const { manifest, digest } = version
	const { variant, provider, graph } = choice
	const { task } = manifest
	const { workers: size = 1 } = tuning
	// First, because it may throw.
	const tokenizer = task && createTokenizer(fileOf(version.files, task.tokenizer), task.maxTokens)

	const keyOf = (build: string) => `golden ${verdictKey({ digest, variant, provider, build })}`
	const graphFiles = [graph.file, ...graph.external]
	/** Buffers are handed over to the worker: the first one gets those that are here. */
	let files: Version['files'] | undefined = version.files
	let remembered = false
	let starting: readonly AbortSignal[] = [options.signal]

	let batched: Batching | undefined
	const pool = await createPool({
		name: 'device',
		most: size,
		work: (call) => (call.kind === 'tensors' ? likelyWork(manifest, call.tensors) : 1),
		onChange() {
			batched?.next()
			onChange()
		},
		onFailed,
		async start(signal) {
			const both = AbortSignal.any([signal, ...starting])
			const here = files
			files = undefined
			const mine = here ?? (await again(graphFiles))
			const started = await startMember(await prepare(both), {
				signal: both,
				settings: {
					manifest,
					digest,
					variant,
					provider,
					graph: fileOf(mine, graph.file),
					external: graph.external.map((path) => ({ path, data: fileOf(mine, path) })),
				},
				recall: (build) => records.get<Verdict>(keyOf(build)),
				remember: (build, verdict) => records.set(keyOf(build), verdict),
			})
			remembered = started.remembered
			return started.member
		},
	})
	starting = []
	// The workers have them now, and the tokenizer what it needs.
	version.files.clear()
	const { maxBatch, maxWait } = tuning
	batched = batching({ manifest, maxBatch, maxWait, width: () => pool.width, onWaiting: (backlog) => pool.want(backlog), onChange })(pool)
	if (!task || !tokenizer) return { executor: batched, pace: () => null, golden: remembered ? 'remembered' : 'passed' }
	const executor = tokenized(batched, { manifest, tokenizer })
	return { executor, pace: () => executor.pace, golden: remembered ? 'remembered' : 'passed' }
}

function fileOf(files: Version['files'], name: string): Uint8Array<ArrayBuffer> {
	return files.get(name) as Uint8Array<ArrayBuffer>
}
