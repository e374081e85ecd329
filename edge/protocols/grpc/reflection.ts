// gRPC's server reflection: what tools such as grpcurl need to call services whose proto files they do not have. Needs no key: the files are public.
// https://github.com/grpc/grpc/blob/master/doc/server-reflection.md

import { createRegistry, type DescFile, type MessageInitShape, type Registry, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { Code, type ServiceImpl } from '@connectrpc/connect'
import { bounded } from '../../../runtime/core/deadline.ts'
import { keylessStreams } from './keyless.ts'
import {
	ServerReflection,
	type ServerReflectionRequest,
	type ServerReflectionResponseSchema,
} from './proto/grpc/reflection/v1/reflection_pb.ts'
import { ServerReflection as OlderServerReflection } from './proto/grpc/reflection/v1alpha/reflection_pb.ts'
import { protos } from './proto/sources.ts'
import { type GrpcService, grpcService } from './service.ts'

/** Milliseconds that a client may be silent: tools ask at once, or leave. */
const silence = 60_000

type Response = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>

/** Reflection as it is, and as older clients ask for it. @param services that it tells of, beside itself. */
export function reflection(services: readonly GrpcService[]): readonly GrpcService[] {
	const told = [...services.map(({ service }) => service), ServerReflection, OlderServerReflection]
	const known = new Set(told.flatMap(({ file }) => withImports(file)))
	// Made when first asked for: it takes time, which a worker's start should not pay.
	let made: Registry | undefined

	function answer({ messageRequest }: ServerReflectionRequest): Response {
		switch (messageRequest.case) {
			case 'listServices':
				return { case: 'listServicesResponse', value: { service: told.map(({ typeName }) => ({ name: typeName })) } }
			case 'fileByFilename':
				return found(
					[...known].find(({ proto }) => proto.name === messageRequest.value),
					messageRequest.value,
				)
			case 'fileContainingSymbol':
				return found(fileOf(messageRequest.value), messageRequest.value)
			case 'allExtensionNumbersOfType':
				return { case: 'allExtensionNumbersResponse', value: { baseTypeName: messageRequest.value, extensionNumber: [] } }
			case 'fileContainingExtension':
				return found(undefined, `extension ${messageRequest.value.extensionNumber} of ${messageRequest.value.containingType}`)
			default:
				return { case: 'errorResponse', value: { errorCode: Code.InvalidArgument, errorMessage: 'the request asks for nothing' } }
		}
	}

	/** Of a message, an enum or a service; of a method or a field by what it belongs to. */
	function fileOf(symbol: string): DescFile | undefined {
		made ??= createRegistry(...known)
		const outer = symbol.slice(0, Math.max(0, symbol.lastIndexOf('.')))
		return (made.get(symbol) ?? made.get(outer))?.file
	}

	const keyless = keylessStreams()
	const serverReflectionInfo: ServiceImpl<typeof ServerReflection>['serverReflectionInfo'] = (requests, context) =>
		keyless(context.signal, async function* (signal) {
			const questions = requests[Symbol.asyncIterator]()
			for (;;) {
				const { done, value } = await bounded('the wait for a question', { remaining: silence, signal }, () => questions.next())
				if (done) return
				yield { validHost: value.host, originalRequest: value, messageResponse: answer(value) }
			}
		})
	// The same messages by other names.
	const older = serverReflectionInfo as unknown as ServiceImpl<typeof OlderServerReflection>['serverReflectionInfo']
	return [
		grpcService(ServerReflection, { keyed: [], protos, methods: () => ({ serverReflectionInfo }) }),
		grpcService(OlderServerReflection, { keyed: [], protos, methods: () => ({ serverReflectionInfo: older }) }),
	]
}

function found(file: DescFile | undefined, asked: string): Response {
	if (!file) return { case: 'errorResponse', value: { errorCode: Code.NotFound, errorMessage: `${asked.slice(0, 200)} is not known here` } }
	return {
		case: 'fileDescriptorResponse',
		value: { fileDescriptorProto: withImports(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto)) },
	}
}

/** The file first, then all that it imports. */
const withImports = (file: DescFile): DescFile[] => [...new Set([file, ...file.dependencies.flatMap(withImports)])]
