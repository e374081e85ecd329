// A loaded graph on an execution provider, as an executor of tensor calls: the same in a page's worker, in Node and in workerd.

import type { Manifest, Provider } from '../../models/format/manifest.ts'
import { type Answer, type Call, type ModelRef, type Provenance, spaceOf } from '../core/call.ts'
import { bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { cannot, type Executor } from '../core/executor.ts'
import { isOutOfMemory } from '../core/memory.ts'
import type { Tensors } from '../core/tensor.ts'
import { satisfies } from '../core/version.ts'
import { type AxisSizes, batchAxis, checkInputs, likelyWork, workOf } from './inputs.ts'
import { Lane } from './lane.ts'
import { fromOrt, type InferenceSession, type Ort, toOrt } from './ort.ts'
import { PaceMeter } from './pace.ts'

export interface SessionOptions {
	/** What `onnxruntime-web/wasm`, `onnxruntime-web/webgpu` or `onnxruntime-node` exports. */
	ort: Ort
	/** The graph's bytes; in Node also its path, and its external data then lies beside it. */
	graph: Uint8Array | string
	/** Files that the graph names as ONNX external data. Default: none. */
	external?: readonly { path: string; data: Uint8Array }[]
	manifest: Manifest
	/** The manifest's digest, lower-case hexadecimal. */
	digest: string
	/** The variant that the graph belongs to. */
	variant: string
	provider: Provider
	/** The executor's name in provenance, e.g. `device`. */
	name: string
	/** More for ONNX Runtime, e.g. `{ intraOpNumThreads: 1 }`. */
	options?: InferenceSession.SessionOptions
	/** Tells the time in milliseconds. Default: `performance.now`. `null` where clocks stand still while work is done (workerd): times are then `null`, too. */
	clock?: (() => number) | null
	/** Milliseconds that loading may take, the wait for other work on a GPU included. Default: 180,000. */
	remaining?: number
	/** Gives the load up. */
	signal?: AbortSignal
}

export interface Session extends Executor {
	/** As `infer`, for whoever waits as long as it takes: settles when the run is done. */
	run(call: Call): Promise<Answer>
}

/** Runs on WebGPU that overlap hang for ever in ONNX Runtime 1.30's native provider, also across sessions. */
const webgpuLane = new Lane()

/** Milliseconds that a session may take to be released: behind a run that hangs it would wait for ever. */
const releaseLimit = 5_000

/** Made anew each time: on workerd nothing is shared between requests. */
const never = () => new AbortController().signal

/**
 * Loads a graph. Runs go one at a time, in order of arrival; a run under way cannot be stopped, but its call settles in time.
 *
 * @returns an executor that takes tensors, checked strictly against the manifest, and answers with all outputs by name.
 * Its errors: `invalid-input`, `not-found` and `unsupported` (other model, version or space than asked for), `deadline-exceeded`, `aborted`, `disposed`, `internal`.
 * @throws SpillwayError `unsupported` when ONNX Runtime cannot load the graph on this provider, `deadline-exceeded`, `aborted`.
 * @example const session = await createSession({ ort, graph, external, manifest, digest, variant: 'int8', provider: 'wasm', name: 'device' })
 */
export async function createSession(options: SessionOptions): Promise<Session> {
	const { manifest, provider, remaining = 180_000, signal = never() } = options
	const lane = provider === 'webgpu' ? webgpuLane : new Lane()
	const session = await bounded(`loading ${manifest.model} on ${provider}`, { remaining, signal }, (abandoned) =>
		lane.run(0, abandoned, async () => {
			const loaded = await load(options)
			if (abandoned.aborted) await loaded.release()
			return loaded
		}),
	)
	// Without the weights: ONNX Runtime has its own copy, and what the executor refers to stays in memory with it.
	const { graph: _graph, external: _external, ...rest } = options
	return executorOver(session, lane, rest)
}

function executorOver(session: InferenceSession, lane: Lane, options: Omit<SessionOptions, 'graph' | 'external'>): Session {
	const { ort, manifest, digest, variant, provider, name, clock = () => performance.now() } = options
	const space = spaceOf(manifest.model, digest, variant)
	const meter = new PaceMeter()
	const disposal = new AbortController()
	/** Set when ONNX Runtime itself has broken down: a wasm instance that trapped answers nothing any more. */
	let broken: SpillwayError | undefined

	async function runNow(tensors: Tensors, sizes: AxisSizes, entered: number | null): Promise<Answer> {
		const started = clock?.() ?? null
		const outputs = await runOrt(tensors)
		const run = started === null ? null : (clock as () => number)() - started
		if (run !== null) meter.add(workOf(sizes), run)
		const ran: Provenance = {
			executor: name,
			provider,
			model: manifest.model,
			version: manifest.version,
			variant,
			space,
			queue: started === null || entered === null ? null : started - entered,
			run,
			batch: sizes.get(batchAxis) ?? 1,
			// Each remote executor on the way back adds its own.
			hops: 0,
			overflow: [],
		}
		return { output: { kind: 'tensors', tensors: outputs }, ran }
	}

	/** Its run, once its turn comes. @throws SpillwayError when there is something wrong with the call or the session. */
	function admitted(call: Call): (abandoned: AbortSignal) => Promise<Answer> {
		if (disposal.signal.aborted) throw disposed(name)
		if (broken) throw broken
		if (call.kind !== 'tensors') throw new SpillwayError('unsupported', `${name} takes only tensors, not ${call.task}`)
		checkModel(call.model, manifest, space)
		const sizes = checkInputs(manifest, call.tensors)
		const entered = clock?.() ?? null
		return (abandoned) => lane.run(meter.expect(workOf(sizes)), abandoned, () => runNow(call.tensors, sizes, entered))
	}

	async function runOrt(tensors: Tensors): Promise<Tensors> {
		const feeds = Object.fromEntries(Object.entries(tensors).map(([input, value]) => [input, toOrt(ort, input, value)]))
		try {
			const results = await session.run(feeds)
			const outputs: [string, Tensors[string]][] = []
			for (const [output, value] of Object.entries(results)) {
				outputs.push([output, await fromOrt(output, value)])
				value.dispose()
			}
			return Object.fromEntries(outputs)
		} catch (cause) {
			if (cause instanceof SpillwayError) throw cause
			if (cause instanceof WebAssembly.RuntimeError) broken = new SpillwayError('unavailable', 'ONNX Runtime has broken down', { cause })
			// What the manifest cannot say, such as a token id outside the vocabulary.
			const invalid = /ERROR_CODE: 2\b|INVALID_ARGUMENT|out of data bounds/.test(messageOf(cause))
			const code = invalid ? 'invalid-input' : isOutOfMemory(cause) ? 'out-of-memory' : 'internal'
			throw new SpillwayError(code, `ONNX Runtime: ${messageOf(cause)}`, { cause })
		}
	}

	return {
		name,
		accepts: ['tensors'],
		estimate(call) {
			const no = disposal.signal.aborted ? 'disposed' : broken?.message
			if (no !== undefined) return cannot('unhealthy', no)
			if (call.kind !== 'tensors') return cannot('unsupported', `${name} takes only tensors`)
			return { can: 'now', queue: lane.queue, run: meter.expect(likelyWork(manifest, call.tensors)) }
		},
		async infer(call, context) {
			const run = admitted(call)
			const signal = AbortSignal.any([context.signal, disposal.signal])
			try {
				return await bounded(`the run on ${name}`, { remaining: context.remaining, signal }, run)
			} catch (error) {
				if (disposal.signal.aborted && !context.signal.aborted) throw disposed(name)
				throw error
			}
		},
		run: async (call) => admitted(call)(never()),
		async dispose() {
			if (disposal.signal.aborted) return
			disposal.abort()
			// A run under way still uses the session. One that hangs keeps it until its worker is ended.
			const released = lane.run(0, never(), () => session.release())
			await bounded(`the end of ${name}`, { remaining: releaseLimit, signal: never() }, () => released).catch((error) => {
				if (error.code !== 'deadline-exceeded') throw error
			})
		},
	}
}

async function load({ ort, graph, external = [], provider, options }: SessionOptions): Promise<InferenceSession> {
	const { create } = ort.InferenceSession
	const settings: InferenceSession.SessionOptions = { ...options, executionProviders: [provider] }
	if (external.length > 0) settings.externalData = external.map(({ path, data }) => ({ path, data }))
	try {
		return await (typeof graph === 'string' ? create(graph, settings) : create(graph, settings))
	} catch (cause) {
		const code = isOutOfMemory(cause) ? 'out-of-memory' : 'unsupported'
		throw new SpillwayError(code, `ONNX Runtime cannot load the graph on ${provider}: ${messageOf(cause)}`, { cause })
	}
}

/**
 * Throws unless the call means this version of this model, and this space where it asks for one.
 * @throws SpillwayError `not-found` or `unsupported`.
 */
export function checkModel(asked: ModelRef, { model, version }: Pick<Manifest, 'model' | 'version'>, space: string): void {
	if (asked.name !== model) throw new SpillwayError('not-found', `this is ${model}, not ${asked.name}`)
	if (asked.version !== undefined && !satisfies(version, asked.version))
		throw new SpillwayError('not-found', `${model} is here as version ${version}, not ${asked.version}`)
	if (asked.space !== undefined && asked.space !== space)
		throw new SpillwayError('unsupported', `${model} answers here in space ${space}, not ${asked.space}`)
}

const disposed = (name: string): SpillwayError => new SpillwayError('disposed', `${name} was disposed`)
