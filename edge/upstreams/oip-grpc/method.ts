// A method of the Open Inference Protocol's gRPC service, as the request that the platform sends.

import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import { GRPCInferenceService } from '../../protocols/grpc/proto/inference/open_inference_grpc_pb.ts'

/** Where a method is. */
export const addressOf = (url: string, method: keyof typeof GRPCInferenceService.method): string =>
	`${url.replace(/\/+$/, '')}/${GRPCInferenceService.typeName}/${GRPCInferenceService.method[method].name}`

/** A message as a body. */
export const encode = <Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Uint8Array<ArrayBuffer> =>
	toBinary(schema, create(schema, message))

/** @throws SpillwayError `upstream` when it is no such message. */
export function decode<Desc extends DescMessage>(schema: Desc, body: Uint8Array): MessageShape<Desc> {
	try {
		return fromBinary(schema, body)
	} catch (error) {
		throw new SpillwayError('upstream', `the answer is malformed: ${messageOf(error)}`, { cause: error })
	}
}
