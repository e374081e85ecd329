// A pool of real session workers, started from the page itself, so that a test can look at each of them.

import type { Manifest, Provider } from '../../../../models/format/manifest.ts'
import type { TensorsCall } from '../../../../runtime/core/call.ts'
import type { SpillwayError } from '../../../../runtime/core/error.ts'
import { type Prepared, prepareWorker, startMember } from '../../../../runtime/device/member.ts'
import { createPool, type Pool } from '../../../../runtime/device/pool.ts'
import { inMemory, isForeign } from '../../../../runtime/device/spawn.ts'
import { likelyWork } from '../../../../runtime/session/inputs.ts'

export interface Settings {
	/** Address of the session worker's script; the wasm stands beside it. */
	script: string
	/** Address of the folder with the model's files. */
	files: string
	manifest: Manifest
	digest: string
	variant: string
	most: number
	threads: number
	idle?: number
	grace?: number
}

export interface Outcome {
	/** `answered`, or the error's code. */
	outcome: string
	/** The filtered signal. */
	numbers: number[]
}

let pool: Pool
/** Those that were started, in order. */
const started: Prepared[] = []
/** Bytes of memory that each told, the calls that it was given, and whether nothing is left of it. */
const told: { memory: number[]; calls: number; gone: boolean }[] = []

const callOf = (signal: readonly number[]): TensorsCall => ({
	kind: 'tensors',
	model: { name: 'ring' },
	tensors: {
		signal: { datatype: 'FP32', shape: [signal.length], data: Float32Array.from(signal) },
		gain: { datatype: 'FP32', shape: [1], data: Float32Array.of(2) },
	},
})

const control = {
	async open({ script, files, manifest, digest, variant, most, threads, idle, grace }: Settings): Promise<void> {
		const provider: Provider = 'wasm'
		const graph = manifest.variants[variant]?.graphs[provider]
		if (!graph) throw new Error('no graph')
		const wasm = WebAssembly.compileStreaming(fetch(new URL('ort-wasm-simd-threaded.wasm', script)))
		// As the engine does.
		const own = isForeign(script) ? inMemory(script, await (await fetch(script)).arrayBuffer()) : script
		const read = async (name: string) => new Uint8Array(await (await fetch(files + name)).arrayBuffer())
		pool = await createPool({
			name: 'device',
			most,
			...(idle === undefined ? {} : { idle }),
			...(grace === undefined ? {} : { grace }),
			work: (call) => (call.kind === 'tensors' ? likelyWork(manifest, call.tensors) : 1),
			async start(signal) {
				const about: (typeof told)[number] = { memory: [], calls: 0, gone: false }
				told.push(about)
				const prepared = await prepareWorker({
					script: own,
					name: `session ${told.length}`,
					wasm,
					signal,
					threads,
					onMemory: (bytes) => void about.memory.push(bytes),
					onGone: () => {
						about.gone = true
					},
				})
				started.push(prepared)
				const external = await Promise.all(graph.external.map(async (path) => ({ path, data: await read(path) })))
				const { member } = await startMember(prepared, {
					settings: { manifest, digest, variant, provider, graph: await read(graph.file), external },
					recall: async () => undefined,
					remember: async () => {},
					signal,
				})
				return {
					over: member.over,
					lay: member.lay,
					end: member.end,
					get memory() {
						return member.memory
					},
					ask(call, context) {
						about.calls++
						return member.ask(call, context)
					},
				}
			},
		})
	},

	/** Makes all calls in the same turn. */
	infer: (signals: readonly number[][], remaining = 60_000): Promise<Outcome[]> =>
		Promise.all(
			signals.map((signal) =>
				pool
					.infer(callOf(signal), {
						remaining,
						signal: new AbortController().signal,
						hops: 0,
						retries: { left: 0 },
						trace: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`,
					})
					.then(
						({ output }) => ({
							outcome: 'answered',
							numbers: output.kind === 'tensors' ? Array.from(output.tensors.filtered?.data ?? [], Number) : [],
						}),
						(error) => ({ outcome: (error as SpillwayError).code, numbers: [] }),
					),
			),
		),

	/** Makes calls with these signals until there are so many workers. */
	async grow(workers: number, signals: readonly number[][]): Promise<Outcome[]> {
		const outcomes: Outcome[] = []
		while (pool.width < workers) {
			const calls = control.infer(signals)
			await new Promise((resolve) => setTimeout(resolve, 5))
			pool.want(1e9)
			outcomes.push(...(await calls))
		}
		return outcomes
	},
	state: () => ({
		width: pool.width,
		workers: pool.workers,
		memory: pool.memory,
		trouble: pool.trouble?.message,
		threads: started.map(({ threads }) => threads),
		notes: started.map(({ note }) => note?.message),
		told,
	}),
	dispose: () => pool.dispose(),
}

export type PoolControl = typeof control

declare global {
	interface Window {
		pool: PoolControl
	}
}

window.pool = control
