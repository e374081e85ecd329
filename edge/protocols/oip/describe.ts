// A manifest as the Open Inference Protocol's model metadata.

import type { TensorSpec } from '../../../models/format/manifest.ts'
import type { ServedModel } from '../../parts.ts'
import type { ModelMetadata } from './routes.ts'

export const describe = ({ name, version, manifest, interface: { inputs, outputs } }: ServedModel): ModelMetadata => ({
	name,
	versions: [version],
	// Nobody but its upstreams knows what runs a model that is only declared.
	platform: manifest ? 'onnxruntime_onnx' : '',
	inputs: (inputs ?? []).map(describeTensor),
	outputs: (outputs ?? []).map(describeTensor),
})

/** A named axis may have any size: -1. */
const describeTensor = ({ name, datatype, shape }: TensorSpec) => ({
	name,
	datatype,
	shape: shape.map((size) => (typeof size === 'number' ? size : -1)),
})
