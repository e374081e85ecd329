// The shipped model on ONNX Runtime's WebGPU provider: session, golden samples and tokenizing are the runtime's own.

import { expose } from 'comlink'
import * as ort from 'onnxruntime-web/webgpu'
import type { Graph, Manifest } from '../../../../models/format/manifest.ts'
import type { Provenance } from '../../../../runtime/core/call.ts'
import type { Context, Executor } from '../../../../runtime/core/executor.ts'
import { checked } from '../../../../runtime/session/checked.ts'
import { createSession } from '../../../../runtime/session/session.ts'
import { tokenized } from '../../../../runtime/tasks/tokenized.ts'
import { createTokenizer } from '../../../../runtime/tasks/tokenizer.ts'

const variant = 'int8'
const provider = 'webgpu'

/** Milliseconds; a software adapter on a busy machine takes its time. */
const patience = 240_000

/** Pieces of work that were given to the GPU in this worker. */
let dispatches = 0
const { dispatchWorkgroups } = GPUComputePassEncoder.prototype
GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...sizes) {
	dispatches++
	return dispatchWorkgroups.apply(this, sizes)
}

/** Each with a session of its own. */
const models: Executor[] = []

const control = {
	/**
	 * Loads the model once more.
	 *
	 * @param passed that the golden samples were answered before is believed.
	 * @throws SpillwayError `golden-mismatch` when they are not answered within the tolerance.
	 */
	async load(passed = false): Promise<void> {
		const { manifest, digest } = (await (await fetch('/manifest.json')).json()) as { manifest: Manifest; digest: string }
		const graph = manifest.variants[variant]?.graphs[provider] as Graph
		const session = await createSession({
			ort,
			graph: await read(graph.file),
			external: await Promise.all(graph.external.map(async (path) => ({ path, data: await read(path) }))),
			manifest,
			digest,
			variant,
			provider,
			name: 'device',
		})
		const task = manifest.task as NonNullable<Manifest['task']>
		const tokenizer = createTokenizer(await read(task.tokenizer), task.maxTokens)
		const verdict = passed ? { reason: null } : undefined
		models.push(tokenized(await checked(session, { manifest, variant, provider, verdict, remaining: patience }), { manifest, tokenizer }))
	},

	/** Makes all calls in the same turn. */
	embed: (calls: EmbedCall[]): Promise<Embedded[]> => Promise.all(calls.map(({ model, texts }) => embed(models[model] as Executor, texts))),

	dispatches: () => dispatches,
}

export interface EmbedCall {
	/** Number of the load, from 0. */
	model: number
	texts: string[]
}

export interface Embedded {
	vectors: number[][]
	ran: Provenance
}

async function embed(model: Executor, texts: string[]): Promise<Embedded> {
	const { output, ran } = await model.infer({ kind: 'task', model: { name: 'minilm' }, task: 'embed', input: texts }, context())
	if (output.kind !== 'embed') throw new Error(`answered with ${output.kind}`)
	return { vectors: output.vectors.map((vector) => [...vector]), ran }
}

const context = (): Context => ({
	remaining: patience,
	signal: new AbortController().signal,
	hops: 0,
	retries: { left: 0 },
	trace: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`,
})

async function read(name: string): Promise<Uint8Array> {
	const response = await fetch(`/minilm/${name}`)
	if (!response.ok) throw new Error(`${name}: ${response.status}`)
	return new Uint8Array(await response.arrayBuffer())
}

export type WebgpuModel = typeof control

expose(control)
