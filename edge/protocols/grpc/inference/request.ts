// A request of the Open Inference Protocol's gRPC service as a call, and its answer as the response.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Answer, TensorsCall, TensorsOutput } from '../../../../runtime/core/call.ts'
import { SpillwayError } from '../../../../runtime/core/error.ts'
import type { EdgeContext } from '../../../env.ts'
import { askerOf } from '../../../guard/asker.ts'
import type { EdgeParts, ServedModel } from '../../../parts.ts'
import { checkTensors, expectKind, findModel, referTo } from '../../served.ts'
import type { ModelInferRequest, ModelInferResponseSchema } from '../proto/inference/open_inference_grpc_pb.ts'
import { readTensors, writeTensors } from './tensors.ts'

/**
 * The model and the call that a request asks for.
 * @throws SpillwayError `not-found`, `invalid-input`, `unsupported`.
 */
export async function callOf(
	c: EdgeContext,
	{ models }: Pick<EdgeParts, 'models'>,
	request: ModelInferRequest,
): Promise<{ model: ServedModel; call: TensorsCall }> {
	const model = await findModel(models, request.modelName, request.modelVersion || undefined, askerOf(c))
	const tensors = readTensors(request.inputs, request.rawInputContents, 'invalid-input')
	// Ignoring these would give other data than was asked for, or elsewhere.
	for (const { name, parameters } of request.outputs)
		if ('classification' in parameters || 'shared_memory_region' in parameters)
			throw new SpillwayError('unsupported', `${JSON.stringify(name)}: classification and shared memory outputs are not supported`)
	checkTensors(model, tensors)
	return { model, call: { kind: 'tensors', model: referTo(c, model), tensors } }
}

/**
 * The response: the outputs that were asked for, in the form that the inputs had.
 * @throws SpillwayError `invalid-input` when an output was asked for that the model does not have.
 */
export function responseOf(
	request: ModelInferRequest,
	{ name, version }: ServedModel,
	made: Answer,
): MessageInitShape<typeof ModelInferResponseSchema> {
	const { tensors } = expectKind<TensorsOutput>(made, 'tensors')
	const names = request.outputs.length > 0 ? [...new Set(request.outputs.map((output) => output.name))] : Object.keys(tensors)
	const outputs = names.map((name) => {
		const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined
		if (tensor) return [name, tensor] as const
		const there = Object.keys(tensors).map((name) => JSON.stringify(name))
		throw new SpillwayError('invalid-input', `no output ${JSON.stringify(name)}; there are ${there.join(', ')}`)
	})
	const { described, raw } = writeTensors(outputs, request.rawInputContents.length > 0)
	return { modelName: name, modelVersion: version, id: request.id, outputs: described, rawOutputContents: raw }
}
