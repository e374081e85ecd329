// Packing: what comes out, and that a model comes out of it again.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { assembleFile } from '../../models/format/assemble.ts'
import { type Channel, verifyChannel } from '../../models/format/channel.ts'
import { chunkPath, compressedPath, manifestPath } from '../../models/format/layout.ts'
import type { Description } from '../../models/format/manifest.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { fromTensorData, toTensorData, within } from '../../models/format/tensor-data.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { ringReference } from '../fixtures/ring/make.ts'
import { type Any, contentOf, fresh, key, now, ring } from './pack-ring.ts'

describe('pack', () => {
	it('writes chunks named by their digest, one manifest named by its digest, and the signed channel', async () => {
		const out = fresh()
		const packed = await pack(ring, out, { key, now })
		const channel = await verifyChannel(await readFile(join(out, 'ring/channel.jws'), 'utf8'), [key.x], { model: 'ring', now })
		expect(channel).toEqual({
			format: 'spillway-channel/1',
			model: 'ring',
			version: '1.0.0',
			manifest: packed.digest,
			serial: 1,
			issued: now / 1000,
			expires: now / 1000 + 90 * 86_400,
		} satisfies Channel)
		const content = await contentOf(out)
		for (const [path, digest] of Object.entries(content)) if (!/\.(jws|br)$/.test(path)) expect(path).toContain(digest)
		const manifest = parseManifest(await readFile(join(out, manifestPath(packed.digest))))
		const named = Object.values(manifest.files).flatMap(({ chunks }) => chunks.map(({ digest }) => chunkPath(digest)))
		const plain = Object.keys(content).filter((path) => !path.endsWith('.br'))
		expect(plain.sort()).toEqual([...new Set(named), manifestPath(packed.digest), 'ring/channel.jws'].sort())
	})

	it('writes what a host may send compressed beside what shrinks by 3 % at least', async () => {
		const out = fresh()
		const packed = await pack(ring, out, { key })
		const paths = Object.keys(await contentOf(out)).filter((path) => !path.endsWith('.jws'))
		let sent = 0
		for (const path of paths.filter((path) => !path.endsWith('.br'))) {
			const plain = await readFile(join(out, path))
			const smaller = paths.includes(compressedPath(path)) ? await readFile(join(out, compressedPath(path))) : undefined
			if (smaller) {
				expect(brotliDecompressSync(smaller).equals(plain), path).toBe(true)
				expect(smaller.length).toBeLessThanOrEqual(0.97 * plain.length)
			} else expect(brotliCompressSync(plain).length, path).toBeGreaterThan(0.97 * plain.length)
			sent += (smaller ?? plain).length
		}
		expect(paths).toContain(compressedPath(manifestPath(packed.digest)))
		expect(packed.sent).toBe(sent)
		expect(packed.sent).toBeLessThan(packed.size)
	})

	it('cuts weights where the tensors begin', async () => {
		const out = fresh()
		const { digest } = await pack(ring, out, { key })
		const { files } = parseManifest(await readFile(join(out, manifestPath(digest))))
		// Taps and bias together, then the 64 KiB of `mix`, then what is behind it.
		expect(files['ring-weights.bin']?.chunks.map(({ size }) => size)).toEqual([128 * 9 * 4 + 128 * 4, 65_536, 512])
	})

	it('gives whole files back, and the model answers its golden samples and others', async () => {
		const out = fresh()
		const { digest } = await pack(ring, out, { key })
		const manifest = parseManifest(await readFile(join(out, manifestPath(digest))))
		const read = (name: string) => assembleFile(manifest, name, (chunk) => readFile(join(out, chunkPath(chunk.digest))))
		expect(Buffer.from(await read('ring.onnx')).equals(await readFile(join(ring, 'ring.onnx')))).toBe(true)
		const session = await ort.InferenceSession.create(await read('ring.onnx'), {
			externalData: [{ path: 'ring-weights.bin', data: await read('ring-weights.bin') }],
		} as ort.InferenceSession.SessionOptions)
		const answer = async (signal: Float32Array, gain: Float32Array) =>
			session.run({ signal: new ort.Tensor(signal, [signal.length]), gain: new ort.Tensor(gain, [1]) })
		const { golden, graphs } = manifest.variants.fp32 as Description['variants'][string]
		for (const { inputs, outputs } of golden) {
			const [signal, gain] = [inputs.signal, inputs.gain].map((data) => fromTensorData(data as Any).data as Float32Array)
			const ran = await answer(signal as Float32Array, gain as Float32Array)
			for (const [name, data] of Object.entries(outputs))
				expect(within(graphs.cpu?.tolerance ?? {}, data, tensor('FP32', ran[name]?.dims ?? [], ran[name]?.data as Float32Array))).toBeNull()
		}
		const signal = Float32Array.from({ length: 300 }, (_, at) => Math.sin(at / 3))
		const { filtered, peak } = ringReference(signal, 1.5)
		const ran = await answer(signal, Float32Array.of(1.5))
		expect(
			within({ absolute: 1e-5 }, toTensorData(tensor('FP32', [300], filtered)), tensor('FP32', [300], ran.filtered?.data as Float32Array)),
		).toBeNull()
		expect(ran.peak?.data[0]).toBeCloseTo(peak, 5)
		await session.release()
	})
})
