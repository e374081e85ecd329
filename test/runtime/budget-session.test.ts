// A session whose memory has a bound: what does not fit is an error of that call alone.

import { readFile } from 'node:fs/promises'
import * as ort from 'onnxruntime-web/wasm'
import { expect, test } from 'vitest'
import type { Manifest } from '../../models/format/manifest.ts'
import type { TensorsCall, TensorsOutput } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { footprintOf } from '../../runtime/device/footprint.ts'
import { createSession } from '../../runtime/session/session.ts'
import { startOrt, useWasmModule } from '../../runtime/session/wasm.ts'
import { context } from './tiny-sessions.ts'

const wasm = new URL('../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm', import.meta.url)
const folder = new URL('../../models/minilm/', import.meta.url)
const most = 60e6

const call = (rows: number, tokens: number): TensorsCall => {
	const shape = [rows, tokens]
	const filled = (value: bigint) => tensor('INT64', shape, new BigInt64Array(rows * tokens).fill(value))
	return { kind: 'tensors', model: { name: 'minilm' }, tensors: { input_ids: filled(2000n), attention_mask: filled(1n) } }
}

test('the shipped model in 60 MB', async () => {
	const memory = useWasmModule(ort.env, await WebAssembly.compile(await readFile(wasm)), 1, most)
	await startOrt(ort)
	const manifest = JSON.parse(await readFile(new URL('model.json', folder), 'utf8')) as Manifest
	const graph = new Uint8Array(await readFile(new URL('wasm.onnx', folder)))
	const data = new Uint8Array(await readFile(new URL('weights.bin', folder)))
	const load = () =>
		createSession({
			ort,
			graph,
			external: [{ path: 'weights.bin', data }],
			manifest,
			digest: '0'.repeat(64),
			variant: 'int8',
			provider: 'wasm',
			name: 'device',
		})
	const session = await load()
	const vector = async () => {
		const { output } = await session.infer(call(1, 16), context())
		return (output as TensorsOutput).tensors.sentence_embedding?.data
	}
	const before = await vector()

	// What is taken before a start is enough for the model and short texts.
	const files = {
		'wasm.onnx': { size: graph.length, digest: '', chunks: [] },
		'weights.bin': { size: data.length, digest: '', chunks: [] },
	}
	const { start, beside } = footprintOf({ manifest: { files }, graph: { file: 'wasm.onnx', external: ['weights.bin'] }, provider: 'wasm' })
	expect(memory.bytes).toBeLessThan(start - beside)
	expect(memory.bytes).toBeGreaterThan(data.length)

	await expect(session.infer(call(8, 256), context())).rejects.toMatchObject({ code: 'out-of-memory' })
	await expect(load()).rejects.toMatchObject({ code: 'out-of-memory' })
	expect(memory.bytes).toBeLessThanOrEqual(most)
	expect(await vector()).toEqual(before)
	expect(session.estimate(call(1, 16)).can).toBe('now')
	await session.dispose()
})
