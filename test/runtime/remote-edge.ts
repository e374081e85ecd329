// Servers that answer as they are told, as an edge would or otherwise, and calls of them.

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import type { Call, EmbedCall, Provenance } from '../../runtime/core/call.ts'
import type { SpillwayError } from '../../runtime/core/error.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { encodeResponse } from '../../runtime/remote/oip.ts'
import { context } from './scripted.ts'

const closing: (() => void)[] = []

/** Ends the servers of this test. */
export function closeAll(): void {
	for (const close of closing.splice(0)) close()
}
afterEach(closeAll)

export interface Received {
	url: string
	headers: IncomingMessage['headers']
	body: Uint8Array
}

/** A server that answers as it is told, and keeps what it received. */
export async function serve(answer: (response: ServerResponse, request: Received) => unknown) {
	const received: Received[] = []
	const listener: RequestListener = async (request, response) => {
		const parts: Uint8Array[] = []
		for await (const part of request) parts.push(part as Uint8Array)
		const one = { url: `${request.method} ${request.url}`, headers: request.headers, body: Buffer.concat(parts) }
		received.push(one)
		answer(response, one)
	}
	const server = createServer(listener)
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	closing.push(() => {
		server.close()
		server.closeAllConnections()
	})
	return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

export const space = `minilm@${'a'.repeat(64)}/int8`
export const ran: Provenance = {
	executor: 'edge',
	provider: 'cpu',
	model: 'minilm',
	version: '1.0.0',
	variant: 'int8',
	space,
	queue: 1,
	run: 2,
	batch: 1,
	hops: 0,
	overflow: [],
}

export const embed: EmbedCall = { kind: 'task', model: { name: 'minilm' }, task: 'embed', input: ['hello', 'world'] }
const vectors = { embedding: tensor('FP32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)) }

/** Answers as an edge would, with something changed. */
export const answerWith =
	({
		outputs = vectors as Tensors,
		parameters = { tokens: 6 } as object,
		told = ran as unknown,
		headers = {} as Record<string, string>,
	} = {}) =>
	(response: ServerResponse) => {
		const message = encodeResponse({ model: 'minilm', version: '1.0.0', outputs, parameters: { ...parameters } }, { binaryOutput: true })
		if (told !== null) response.setHeader('Spillway-Ran', typeof told === 'string' ? told : JSON.stringify(told))
		for (const [name, value] of Object.entries({ ...message.headers, ...headers })) response.setHeader(name, value)
		response.end(message.body)
	}

export const errorOf = (promise: Promise<unknown>) =>
	promise.then(
		() => {
			throw new Error('answered, but should have refused')
		},
		(error: SpillwayError) => error,
	)

/** Calls an edge that answers like this. */
export async function call(
	answer: Parameters<typeof serve>[0],
	{ asked = embed, more = {} }: { asked?: Call; more?: Parameters<typeof context>[0] } = {},
) {
	const { address, received } = await serve(answer)
	const edge = edgeExecutor({ name: 'edge', address })
	return { edge, received, answered: edge.infer(asked, context({ remaining: 5000, ...more })) }
}
