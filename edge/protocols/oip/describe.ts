// A manifest as the Open Inference Protocol's model metadata.

import type { TensorSpec } from '../../../models/format/manifest.ts'
import type { ServedModel } from '../../parts.ts'
import type { ModelMetadata } from './routes.ts'

export const describe = ({ name, version, manifest }: ServedModel): ModelMetadata => ({
	name,
	versions: [version],
	platform: 'onnxruntime_onnx',
	inputs: manifest.inputs.map(describeTensor),
	outputs: manifest.outputs.map(describeTensor),
})

/** A named axis may have any size: -1. */
const describeTensor = ({ name, datatype, shape }: TensorSpec) => ({
	name,
	datatype,
	shape: shape.map((size) => (typeof size === 'number' ? size : -1)),
})
