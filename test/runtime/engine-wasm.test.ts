// ONNX Runtime's WebAssembly in the engine: the digests that are built in are those of the installed package.

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { digestOf } from '../../models/format/digest.ts'
import { type Build, ortBuilds } from '../../runtime/device/wasm.ts'

test.each(Object.keys(ortBuilds) as Build[])('%s: digest and size are those of the installed onnxruntime-web', async (build) => {
	const { file, digest, size } = ortBuilds[build]
	const bytes = await readFile(new URL(`../../node_modules/onnxruntime-web/dist/${file}`, import.meta.url))
	expect({ digest, size }, 'after another onnxruntime-web was installed, change runtime/device/wasm.ts').toEqual({
		digest: await digestOf(bytes),
		size: bytes.byteLength,
	})
})
