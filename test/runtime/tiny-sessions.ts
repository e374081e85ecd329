// Sessions of the tiny models on the providers that run in Node.

import { readFile } from 'node:fs/promises'
import * as ortNode from 'onnxruntime-node'
import * as ortWeb from 'onnxruntime-web/wasm'
import type { Description, Provider } from '../../models/format/manifest.ts'
import type { Context } from '../../runtime/core/executor.ts'
import type { Ort } from '../../runtime/session/ort.ts'
import { createSession, type Session } from '../../runtime/session/session.ts'
import { useWasmModule } from '../../runtime/session/wasm.ts'
import { filesOf, packed, textDescription } from './tiny.ts'

const wasm = new URL('../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm', import.meta.url)
let prepared: Promise<void> | undefined

/** ONNX Runtime for a provider; on wasm from a compiled module, as the session worker has it. */
export async function ortFor(provider: Provider): Promise<Ort> {
	if (provider === 'cpu') return ortNode
	prepared ??= readFile(wasm)
		.then((bytes) => WebAssembly.compile(bytes))
		.then((module) => void useWasmModule(ortWeb.env, module))
	await prepared
	return ortWeb
}

export async function tinySession(
	provider: Provider,
	description: Description = textDescription(),
	files = filesOf(description),
): Promise<Session> {
	const { manifest, digest } = await packed(description, files)
	const graph = files['graph.onnx'] as Uint8Array
	return createSession({ ort: await ortFor(provider), graph, manifest, digest, variant: 'fp32', provider, name: 'device' })
}

export const context = (over: Partial<Context> = {}): Context => ({
	remaining: 20_000,
	signal: new AbortController().signal,
	hops: 0,
	retries: { left: 1 },
	trace: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`,
	...over,
})
