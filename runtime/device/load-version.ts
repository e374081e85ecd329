// One version of a model, from its pointer to an executor: its bytes, room for it in memory, and the session worker that serves it first.

import type { Manifest } from '../../models/format/manifest.ts'
import { spaceOf } from '../core/call.ts'
import { bounded } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import type { Pointer } from '../store/known.ts'
import type { Leave } from '../store/leave.ts'
import type { Storage } from '../store/storage/storage.ts'
import type { Store } from '../store/store.ts'
import { createTokenizer, type Tokenizer } from '../tasks/tokenizer.ts'
import type { Tuning } from './control.ts'
import { footprintOf } from './footprint.ts'
import type { LoadProgress } from './load-progress.ts'
import type { Prepared } from './member.ts'
import type { Progress } from './protocol.ts'
import type { Loaded } from './report.ts'
import { serveVersion } from './serve-version.ts'
import type { Builds } from './serving/builds.ts'
import { processors } from './serving/device.ts'
import { firstKind, type Kind } from './serving/kind.ts'
import type { Stillness } from './serving/stillness.ts'
import { ortBuilds } from './wasm.ts'
import type { Room, Workers } from './workers.ts'

/** What loads take from the engine. */
export interface Sources {
	store: Store
	storage: Storage
	/** Nothing may be asked of the network once a model is there. */
	quiet: boolean
	/** Whether models may be downloaded. */
	leave: Leave
	/** ONNX Runtime's, each compiled once for all. */
	builds: Builds
	/** When nobody calls any model. */
	stillness: Stillness
	/** What the application has fixed. */
	tuning: Readonly<Tuning>
	onProgress(progress: Progress): void
	/** Told when the model's state or estimate may have changed. */
	onChange(model: string): void
}

export interface VersionOptions {
	name: string
	sources: Sources
	workers: Workers
	progress: LoadProgress
	/** Ends the load, and later what goes on for the version. */
	signal: AbortSignal
	/** Takes a line to a session worker, for the page. */
	onLine(space: string, port: MessagePort, worker: AbortSignal): void
	/** It cannot be served any more. Told of a version that has served. */
	onFailed(error: SpillwayError): void
}

/** What a version needs to be served by sessions of the kind that comes first. */
export function firstFiles(manifest: Manifest, tuning: Readonly<Tuning>): readonly string[] {
	const { files } = firstKind(manifest, tuning, processors())
	return manifest.task ? [manifest.task.tokenizer, ...files] : files
}

/**
 * @param network see `Store.read`.
 * @throws SpillwayError why it does not serve. Nothing is left of it then, but for workers that are about to end.
 */
export async function loadVersion(
	pointer: Pointer,
	network: 'patient' | 'hasty' | 'none',
	{ name, sources, workers, progress, signal: outer, onLine, onFailed }: VersionOptions,
): Promise<Loaded> {
	const { store, storage, tuning, quiet, leave, builds, stillness, onChange } = sources
	const life = new AbortController()
	const signal = AbortSignal.any([outer, life.signal])

	/** @throws SpillwayError `out-of-memory`, `aborted`. */
	const book = (manifest: Manifest, { graph, provider, threads }: Kind, signal: AbortSignal, needed = false): Promise<Room> =>
		workers.book(footprintOf({ manifest, graph, provider, threads }), signal, needed)

	function prepare({ build, threads }: Kind, room: Room, signal: AbortSignal): Promise<Prepared> {
		const ort = builds[build]
		if (!ort) {
			room.share.release()
			throw new SpillwayError('internal', `the files of ONNX Runtime's build ${build} are not known`)
		}
		const wasm = bounded('compiling', { remaining: Number.POSITIVE_INFINITY, signal }, ort.compiled).then(({ module, stored }) => {
			if (build === 'wasm') progress.wasm(stored)
			return module
		})
		wasm.catch(() => {})
		const prepared = ort.script().then(
			(script) => workers.start(room, { script, name: `spillway session ${name}`, wasm, threads, signal }),
			(error) => {
				room.share.release()
				throw error
			},
		)
		// Whoever waits for it is told.
		prepared.catch(() => {})
		return prepared
	}

	/** The first worker, got ready beside the download. */
	let prepared: Promise<Prepared> | undefined
	/** Made while weights still arrive. */
	let tokenizer: Tokenizer | undefined
	let task: Manifest['task'] = null
	try {
		const version = await store.read(name, pointer, {
			signal,
			network,
			files: async (manifest) => {
				// Nothing is begun that may be refused; without leave only what is stored may be used.
				if (leave.has(name)) {
					const first = firstKind(manifest, tuning, processors())
					// Before anything is downloaded that has no room.
					prepared = prepare(first, await book(manifest, first, signal, true), signal)
				}
				task = manifest.task
				return firstFiles(manifest, tuning)
			},
			permit: (bytes) => leave.demand(name, bytes),
			onProgress: (read) => progress.files(read),
			onFile(file, bytes) {
				if (file === task?.tokenizer) tokenizer = createTokenizer(bytes, task.maxTokens)
			},
		})
		const { manifest, bytes } = version
		if (task && !tokenizer) throw new SpillwayError('malformed', `${name} has no tokenizer`)
		const first = firstKind(manifest, tuning, processors())
		// The browser may have deleted it alone.
		if (!leave.has(name) && !(await builds[first.build]?.isHere())) leave.demand(name, ortBuilds[first.build].size)
		await prepared
		progress.tell('session')
		const served = await serveVersion({
			version,
			tokenizer,
			first,
			tuning,
			builds,
			stillness,
			quiet,
			records: storage.records,
			signal,
			prepare: async (kind, signal) => {
				const ready = prepared
				prepared = undefined
				return ready ?? prepare(kind, await book(manifest, kind, signal), signal)
			},
			again: async (files) => (await store.read(name, pointer, { signal, network: 'none', again: true, files: () => files })).files,
			mayFetch: () => leave.has(name),
			fetch: (files, signal) => store.read(name, pointer, { signal, network: 'hasty', files: () => files }),
			onChange: () => onChange(name),
			onLine: (port, worker) => onLine(spaceOf(manifest.model, pointer.digest, first.variant), port, worker),
			onFailed,
		})
		return {
			...served,
			pointer,
			manifest,
			bytes,
			async end(error) {
				life.abort(error)
				await served.executor.dispose()
			},
		}
	} catch (error) {
		prepared?.then(
			({ end }) => end(SpillwayError.from(error)),
			() => {},
		)
		throw error
	}
}
