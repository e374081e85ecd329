// ONNX Runtime's WebAssembly in the engine: the digest that is built in is that of the installed package.

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { digestOf } from '../../models/format/digest.ts'
import { ortWasm } from '../../runtime/device/wasm.ts'

test('the digest and size of ort-wasm-simd-threaded.wasm are those of the installed onnxruntime-web', async () => {
	const bytes = await readFile(new URL('../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm', import.meta.url))
	expect(ortWasm, 'after another onnxruntime-web was installed, change runtime/device/wasm.ts').toEqual({
		digest: await digestOf(bytes),
		size: bytes.byteLength,
	})
})
