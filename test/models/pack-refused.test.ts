// Folders that are not right: refused before anything is written.

import { mkdir, readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toTensorData } from '../../models/format/tensor-data.ts'
import { GraphBuilder } from '../../models/tools/onnx/graph.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { type Any, changed, fresh, key, ring, scratch } from './pack-ring.ts'

describe('a folder that is not right', () => {
	const nan = () => toTensorData(tensor('FP32', [1], Float32Array.of(Number.NaN)))
	const wrong: [name: string, change: (description: Any) => void, message: string][] = [
		[
			'a graph that is not there',
			(d) => (d.variants.fp32.graphs.wasm.file = 'no.onnx'),
			'model.json: variants.fp32.graphs.wasm.file: "no.onnx" cannot be read: ENOENT',
		],
		[
			'a graph that is none',
			(d) => (d.variants.fp32.graphs.wasm.file = 'model.json'),
			'model.json: variants.fp32.graphs.wasm.file: "model.json" is no ONNX graph: ',
		],
		[
			'an input that the graph does not have',
			(d) => rename(d, 'gain', 'volume'),
			'model.json: variants.fp32.graphs.wasm.file: the graph has no input "volume"; variants.fp32.graphs.wasm.file: the graph\'s input "gain" is not in inputs',
		],
		[
			'an output that is not said',
			(d) => {
				d.outputs.pop()
				for (const golden of d.variants.fp32.golden) delete golden.outputs.peak
			},
			'model.json: variants.fp32.graphs.wasm.file: the graph\'s output "peak" is not in outputs',
		],
		[
			'another shape than the graph has',
			(d) => {
				d.outputs[1].shape = ['samples']
				d.variants.fp32.golden.length = 1
			},
			'model.json: variants.fp32.graphs.wasm.file: the graph\'s output "peak" is FP32 [1], outputs say FP32 [samples]',
		],
		[
			'another rank than the graph has',
			(d) => {
				d.outputs[1].shape = []
				for (const golden of d.variants.fp32.golden) golden.outputs.peak.shape = []
			},
			'model.json: variants.fp32.graphs.wasm.file: the graph\'s output "peak" is FP32 [1], outputs say FP32 []',
		],
		[
			'another datatype than the graph has',
			(d) => {
				d.inputs[1].datatype = 'INT32'
				for (const golden of d.variants.fp32.golden) golden.inputs.gain.datatype = 'INT32'
			},
			'model.json: variants.fp32.graphs.wasm.file: the graph\'s input "gain" is FP32 [1], inputs say INT32 [1]',
		],
		[
			'weights that are not listed',
			(d) => (d.variants.fp32.graphs.wasm.external = []),
			'model.json: variants.fp32.graphs.wasm.external: the graph keeps tensors in "ring-weights.bin", which is not listed',
		],
		[
			'a file that no tensor is in',
			(d) => d.variants.fp32.graphs.wasm.external.push('ring.onnx'),
			'model.json: variants.fp32.graphs.wasm.external[1]: the graph keeps no tensor in "ring.onnx"',
		],
		[
			'a golden output that is no number',
			(d) => (d.variants.fp32.golden[0].outputs.peak = nan()),
			'model.json: variants.fp32.golden[0].outputs.peak: row 0: element 0 is not a number',
		],
		[
			'a golden sample without an input',
			(d) => delete d.variants.fp32.golden[0].inputs.gain,
			'model.json: variants.fp32.golden[0].inputs.gain: is missing',
		],
	]

	function rename(description: Any, from: string, to: string): void {
		for (const spec of description.inputs) if (spec.name === from) spec.name = to
		for (const { inputs } of description.variants.fp32.golden) {
			inputs[to] = inputs[from]
			delete inputs[from]
		}
	}

	it.each(wrong)('is refused for %s, and nothing is written', async (_name, change, message) => {
		const folder = await changed((description) => {
			// One graph is enough, and says each thing once.
			description.variants.fp32.graphs = { wasm: description.variants.fp32.graphs.wasm }
			change(description)
		})
		const out = fresh()
		const error: Any = await pack(folder, out, { key }).catch((reason) => reason)
		expect(error).toMatchObject({ code: 'malformed' })
		expect(error.message.slice(0, message.length)).toBe(message)
		await expect(stat(out)).rejects.toThrow('ENOENT')
	})

	it('is refused for weights that are too short', async () => {
		const folder = await changed(() => undefined)
		await truncate(join(folder, 'ring-weights.bin'), 71_000)
		await expect(pack(folder, fresh(), { key })).rejects.toThrow('"ring-weights.bin" has 71000 bytes, tensor "out" needs 512 from 70656 on')
	})

	it('is refused for a graph without nodes', async () => {
		const folder = await changed(() => undefined)
		await writeFile(join(folder, 'ring.onnx'), new GraphBuilder({ name: 'empty', opset: 20 }).build())
		await expect(pack(folder, fresh(), { key })).rejects.toThrow('"ring.onnx" is no ONNX graph: it has no nodes')
	})

	it('is refused without a model.json', async () => {
		await expect(pack(scratch, fresh(), { key })).rejects.toMatchObject({ code: 'not-found' })
	})

	it('is refused where the channel that is there cannot be read', async () => {
		const out = fresh()
		await mkdir(join(out, 'ring'), { recursive: true })
		await writeFile(join(out, 'ring/channel.jws'), 'x')
		await expect(pack(ring, out, { key })).rejects.toMatchObject({
			code: 'malformed',
			message: expect.stringContaining('repair or remove it'),
		})
		expect(await readdir(out)).toEqual(['ring'])
	})

	it('leaves nothing behind where it cannot write', async () => {
		const out = fresh()
		await mkdir(out)
		// A file stands where a folder must.
		await writeFile(join(out, 'manifests'), '')
		await expect(pack(ring, out, { key })).rejects.toThrow()
		expect((await readdir(out)).filter((name) => name.startsWith('.'))).toEqual([])
		expect(await readdir(out)).not.toContain('ring')
	})
})
