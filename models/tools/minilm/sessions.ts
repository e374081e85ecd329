// The model in ONNX Runtime: on the CPU in Node, and as WebAssembly.

import type * as Ort from 'onnxruntime-node'
import * as node from 'onnxruntime-node'
import { weightsFile } from './assemble.ts'
import type { Batch } from './batch.ts'

/** A loaded graph. */
export interface Session {
	/** Every output of the graph, by name. */
	run(batch: Batch): Promise<Record<string, Float32Array>>
	/** The vectors of a batch, [rows, hidden]. */
	embed(batch: Batch): Promise<Float32Array>
	release(): Promise<void>
}

/** Options of {@link onNode} and {@link onWasm}. */
export interface SessionOptions {
	/** How far ONNX Runtime may rewrite the graph; `all` by default. */
	optimize?: 'all' | 'basic' | 'disabled'
}

/**
 * Loads a graph in onnxruntime-node, CPU provider, one thread.
 *
 * @param model path of the graph, whose external data lie beside it, or a graph that holds its weights
 */
export async function onNode(model: string | Uint8Array, { optimize = 'all' }: SessionOptions = {}): Promise<Session> {
	const options: Ort.InferenceSession.SessionOptions = {
		intraOpNumThreads: 1,
		graphOptimizationLevel: optimize,
		logSeverityLevel: 3,
		// Without it int8 products saturate on x86 processors that lack VNNI (onnxruntime issue 6004); others are not slowed down.
		extra: { session: { x64quantprecision: '1' } },
	}
	const { InferenceSession, Tensor } = node
	return wrap(await (typeof model === 'string' ? InferenceSession.create(model, options) : InferenceSession.create(model, options)), Tensor)
}

/** Loads a graph in onnxruntime-web, WebAssembly provider, one thread. Works in Node. */
export async function onWasm(graph: Uint8Array, weights?: Uint8Array, { optimize = 'all' }: SessionOptions = {}): Promise<Session> {
	// Loading it starts nothing, but costs a second or two that not every program needs to spend.
	const { env, InferenceSession, Tensor } = await import('onnxruntime-web/wasm')
	env.wasm.numThreads = 1
	const session = await InferenceSession.create(graph, {
		executionProviders: ['wasm'],
		graphOptimizationLevel: optimize,
		logSeverityLevel: 3,
		...(weights && { externalData: [{ path: weightsFile, data: weights }] }),
	})
	return wrap(session, Tensor)
}

function wrap(session: Ort.InferenceSession, Tensor: Ort.TensorConstructor): Session {
	async function run({ rows, columns, ids, mask }: Batch) {
		const available: Record<string, () => Ort.Tensor> = {
			input_ids: () => new Tensor('int64', ids, [rows, columns]),
			attention_mask: () => new Tensor('int64', mask, [rows, columns]),
			token_type_ids: () => new Tensor('int64', new BigInt64Array(ids.length), [rows, columns]),
		}
		const feeds = session.inputNames.map((name) => [name, available[name]?.()] as const)
		const outputs = await session.run(Object.fromEntries(feeds) as Record<string, Ort.Tensor>)
		return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]))
	}
	return {
		run,
		embed: async (batch) => (await run(batch)).sentence_embedding as Float32Array,
		release: () => session.release(),
	}
}
