// A model that hands back what it is given, packed.

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SigningKey } from '../../models/format/keys.ts'
import type { Description } from '../../models/format/manifest.ts'
import { toTensorData } from '../../models/format/tensor-data.ts'
import { GraphBuilder } from '../../models/tools/onnx/graph.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { tensor } from '../../runtime/core/tensor.ts'

const shape = ['batch', 384]

/** @param folder is emptied; the packed model is in `packed` inside it. */
export async function packIdentity(folder: string, key: SigningKey): Promise<string> {
	const source = join(folder, 'source')
	const packed = join(folder, 'packed')
	await rm(folder, { recursive: true, force: true })
	await mkdir(source, { recursive: true })
	const graph = new GraphBuilder({ name: 'identity', opset: 20 })
	graph.output('y', graph.node('Identity', [graph.input('x', 'FP32', shape)]), 'FP32', shape)
	await writeFile(join(source, 'identity.onnx'), graph.build())
	await writeFile(join(source, 'model.json'), JSON.stringify(description()))
	await pack(source, packed, { key })
	return packed
}

function description(): Description {
	const same = toTensorData(tensor('FP32', [1, 384], new Float32Array(384).fill(0.5)))
	return {
		model: 'identity',
		version: '1.0.0',
		description: 'Hands back what it is given.',
		license: 'Apache-2.0',
		source: { name: 'made by the benchmark' },
		calibration: 'none',
		task: null,
		inputs: [{ name: 'x', datatype: 'FP32', shape }],
		outputs: [{ name: 'y', datatype: 'FP32', shape }],
		axes: { batch: {} },
		variants: {
			fp32: {
				description: 'no weights',
				graphs: { wasm: { file: 'identity.onnx', external: [], tolerance: { absolute: 0 } } },
				golden: [{ name: 'halves', inputs: { x: same }, outputs: { y: same } }],
				accuracy: {},
			},
		},
	}
}
