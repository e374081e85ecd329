// TensorFlow Serving's gRPC services: PredictionService and, for the state of models, ModelService.
// https://github.com/tensorflow/serving/tree/master/tensorflow_serving/apis

import { create, fromJson } from '@bufbuild/protobuf'
import { anyPack, Int64ValueSchema } from '@bufbuild/protobuf/wkt'
import type { TensorsOutput } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Tensors } from '../../../runtime/core/tensor.ts'
import { askerOf } from '../../guard/asker.ts'
import { probeHopsOf } from '../../guard/context.ts'
import type { Models, ServedModel } from '../../parts.ts'
import type { Asker } from '../../versions/choose.ts'
import { contextOf } from '../grpc/context.ts'
import { type GrpcService, grpcService } from '../grpc/service.ts'
import { answer, checkTensors, expectKind, findModel, referTo } from '../served.ts'
import { metadataOf, statusOf, versionNumber } from './describe.ts'
import { protos } from './proto/sources.ts'
import {
	GetModelStatusResponseSchema,
	ModelService,
	type ModelSpec,
	PredictionService,
	SignatureDefMapSchema,
} from './proto/tensorflow/serving/prediction_service_pb.ts'
import { checkSignature, servingDefault } from './signature.ts'
import { readTensorProto, writeTensorProto } from './tensor-proto.ts'

const prediction = grpcService(PredictionService, {
	keyed: ['predict'],
	protos,
	methods: ({ config, models }) => ({
		async predict({ modelSpec, inputs, outputFilter }, context) {
			const c = contextOf(context)
			const model = await modelOf(models, modelSpec, askerOf(c))
			checkSignature(modelSpec?.signatureName)
			let left = config.limits.bodyBytes
			const tensors = Object.fromEntries(
				Object.entries(inputs).map(([name, message]) => {
					const tensor = readTensorProto(name, message, left)
					left -= tensor.data.byteLength
					return [name, tensor]
				}),
			)
			checkTensors(model, tensors)
			const made = await answer(c, model, { kind: 'tensors', model: referTo(c, model), tensors }, config.limits)
			const outputs = filtered(expectKind<TensorsOutput>(made, 'tensors').tensors, outputFilter)
			return {
				modelSpec: specOf(model),
				outputs: Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, writeTensorProto(tensor)])),
			}
		},

		async getModelMetadata({ modelSpec, metadataField }) {
			const model = await modelOf(models, modelSpec)
			const other = metadataField.find((field) => field !== 'signature_def')
			if (other !== undefined || metadataField.length === 0)
				throw new SpillwayError(
					'invalid-input',
					`metadata_field must be "signature_def"${other === undefined ? '' : `, not "${other.slice(0, 80)}"`}`,
				)
			const signatures = fromJson(SignatureDefMapSchema, metadataOf(model).metadata.signature_def)
			return { modelSpec: specOf(model), metadata: { signature_def: anyPack(SignatureDefMapSchema, signatures) } }
		},
	}),
})

const model = grpcService(ModelService, {
	keyed: [],
	protos,
	methods: ({ config, models }) => ({
		async getModelStatus({ modelSpec }, context) {
			const found = await modelOf(models, modelSpec)
			const { model_version_status } = statusOf(found, await found.ready(probeHopsOf(contextOf(context), config.limits)))
			return fromJson(GetModelStatusResponseSchema, { model_version_status })
		},
	}),
})

export const tensorflowServices: readonly GrpcService[] = [prediction, model]

/** The model that is meant: by a version's number or a label, else the current version. */
function modelOf(models: Models, spec: ModelSpec | undefined, asker?: Asker): Promise<ServedModel> {
	if (!spec?.name) throw new SpillwayError('invalid-input', 'model_spec.name is missing')
	const { value } = spec.versionChoice
	return findModel(models, spec.name, (typeof value === 'object' ? String(value.value) : value) || undefined, asker)
}

const specOf = ({ name, version }: ServedModel) => ({
	name,
	versionChoice: { case: 'version' as const, value: create(Int64ValueSchema, { value: BigInt(versionNumber(version)) }) },
	signatureName: servingDefault,
})

/** @throws SpillwayError `invalid-input` for a name that is no output's. */
function filtered(outputs: Tensors, names: readonly string[]): Tensors {
	if (names.length === 0) return outputs
	return Object.fromEntries(
		names.map((name) => {
			const tensor = Object.hasOwn(outputs, name) ? outputs[name] : undefined
			if (!tensor)
				throw new SpillwayError('invalid-input', `no output "${name.slice(0, 80)}"; there are ${Object.keys(outputs).join(', ')}`)
			return [name, tensor]
		}),
	)
}
