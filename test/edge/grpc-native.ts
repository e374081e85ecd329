// The edge's native gRPC in this process, and @grpc/grpc-js as a client of it.

import {
	create,
	type DescMessage,
	type DescMethod,
	fromBinary,
	type MessageInitShape,
	type MessageShape,
	toBinary,
} from '@bufbuild/protobuf'
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { createEdge } from '../../edge/app.ts'
import { type GrpcServer, grpcServer, trailersOf } from '../../edge/platform/node/grpc.ts'
import { listenerOf } from '../../edge/platform/node/listener.ts'
import { type LocalOptions, localParts } from './local.ts'
import { keys } from './suites/under-test.ts'

export interface LocalGrpc {
	readonly server: GrpcServer
	/** As an upstream's configuration names it. */
	readonly url: string
	/** Its figures. */
	metrics(): Promise<string>
	close(): Promise<void>
}

/** Starts it on a port that the system chooses; `close` ends it at once. */
export async function startLocalGrpc(options: LocalOptions = {}): Promise<LocalGrpc> {
	const parts = await localParts({ ...options, parts: { trailers: trailersOf, ...options.parts } })
	const app = createEdge(parts)
	const server = await grpcServer({ listener: listenerOf(app.fetch), host: '127.0.0.1', port: 0 })
	if (!server) throw new Error('no server')
	return {
		server,
		url: `http://127.0.0.1:${server.port}`,
		metrics: async () => (await parts.metrics.render()).body,
		async close() {
			const ended = server.end(1_000)
			server.cut()
			await ended
		},
	}
}

export interface Called<Output> {
	readonly output: Output
	readonly metadata: Metadata
}

export interface CallOptions {
	/** Default: that of `keys.secret`. */
	readonly key?: string | null
	readonly headers?: Readonly<Record<string, string>>
	/** Milliseconds. Default 20,000. */
	readonly deadline?: number | null
	readonly signal?: AbortSignal
}

export interface NativeClient {
	/** Calls a method of one message there and one back. Rejects with grpc-js's `ServiceError`. */
	call<Input extends DescMessage, Output extends DescMessage>(
		method: DescMethod & { input: Input; output: Output },
		input: MessageInitShape<Input>,
		options?: CallOptions,
	): Promise<Called<MessageShape<Output>>>
	/** Opens a stream both ways. */
	open<Input extends DescMessage, Output extends DescMessage>(
		method: DescMethod & { input: Input; output: Output },
		options?: CallOptions,
	): ClientDuplexStream<MessageInitShape<Input>, MessageShape<Output>>
	close(): void
}

/**
 * @param address `127.0.0.1:8788`
 * @param authority certificate, in PEM, of who signed the server's. Default: the connection is not encrypted.
 */
export function nativeClient(address: string, authority?: string): NativeClient {
	const client = new Client(address, authority === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(authority)))
	const pathOf = ({ parent, name }: DescMethod) => `/${parent.typeName}/${name}`
	const write = (schema: DescMessage) => (message: object) => Buffer.from(toBinary(schema, create(schema, message as never)))
	const read = (schema: DescMessage) => (bytes: Buffer) => fromBinary(schema, bytes)

	const metadataOf = ({ key = keys.secret, headers = {} }: CallOptions) => {
		const metadata = new Metadata()
		if (key !== null) metadata.set('authorization', `Bearer ${key}`)
		for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
		return metadata
	}
	const limitOf = ({ deadline = 20_000 }: CallOptions) => (deadline === null ? {} : { deadline: Date.now() + deadline })

	return {
		call: (method, input, options = {}) =>
			new Promise((resolve, reject) => {
				let metadata = new Metadata()
				const done = (error: ServiceError | null, output?: unknown) =>
					error ? reject(error) : resolve({ output: output as never, metadata })
				const call = client.makeUnaryRequest(
					pathOf(method),
					write(method.input),
					read(method.output),
					input as object,
					metadataOf(options),
					limitOf(options),
					done,
				)
				call.on('metadata', (received) => {
					metadata = received
				})
				options.signal?.addEventListener('abort', () => call.cancel())
			}),
		open: (method, options = {}) =>
			client.makeBidiStreamRequest(
				pathOf(method),
				write(method.input),
				read(method.output),
				metadataOf(options),
				limitOf(options),
			) as never,
		close: () => client.close(),
	}
}
