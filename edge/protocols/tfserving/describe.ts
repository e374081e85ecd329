// A model as TensorFlow Serving tells of it: its versions with their states, and its signature.

import type { TensorSpec } from '../../../models/format/manifest.ts'
import type { Datatype } from '../../../runtime/core/datatype.ts'
import type { ServedModel } from '../../parts.ts'
import type { ModelMetadata, ModelStatus } from './routes.ts'
import { servingDefault } from './signature.ts'

/** TensorFlow's names of datatypes. */
export const tensorflowNames: Record<Datatype, string> = {
	BOOL: 'DT_BOOL',
	UINT8: 'DT_UINT8',
	UINT16: 'DT_UINT16',
	UINT32: 'DT_UINT32',
	UINT64: 'DT_UINT64',
	INT8: 'DT_INT8',
	INT16: 'DT_INT16',
	INT32: 'DT_INT32',
	INT64: 'DT_INT64',
	FP16: 'DT_HALF',
	BF16: 'DT_BFLOAT16',
	FP32: 'DT_FLOAT',
	FP64: 'DT_DOUBLE',
}

/** TensorFlow Serving's versions are whole numbers: the first number of a version here. */
export const versionNumber = (version: string): string => /\d{1,18}/.exec(version)?.[0] ?? '0'

/** The states of a model's versions, with what KServe's clients of version 1 look for. */
export const statusOf = ({ name, version }: ServedModel, ready: boolean): ModelStatus => ({
	name,
	ready,
	model_version_status: [
		{ version: versionNumber(version), state: ready ? 'AVAILABLE' : 'LOADING', status: { error_code: 'OK', error_message: '' } },
	],
})

/** What a model takes and gives. */
export const metadataOf = ({ name, version, interface: { inputs, outputs } }: ServedModel): ModelMetadata => ({
	model_spec: { name, signature_name: '', version: versionNumber(version) },
	metadata: {
		signature_def: {
			signature_def: {
				[servingDefault]: { inputs: tensors(inputs), outputs: tensors(outputs), method_name: 'tensorflow/serving/predict' },
			},
		},
	},
})

const tensors = (specs: readonly TensorSpec[] | null) =>
	Object.fromEntries(
		(specs ?? []).map(({ name, datatype, shape }) => {
			// An axis with a name may have any size.
			const dim = shape.map((size) => (typeof size === 'number' ? { size: String(size), name: '' } : { size: '-1', name: size }))
			return [name, { dtype: tensorflowNames[datatype], tensor_shape: { dim, unknown_rank: false }, name }]
		}),
	)
