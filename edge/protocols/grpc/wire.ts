// What a gRPC call travels in: HTTP/2 with trailers, gRPC-Web in binary or as base64 text, Connect. The handlers know all but the text.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md

import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol'
import { universalServerResponseToFetch } from '@connectrpc/connect/protocol'
import { bounded } from '../../../runtime/core/deadline.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { EdgeContext } from '../../env.ts'
import { discard } from '../../guard/discard.ts'
import type { EdgeParts } from '../../parts.ts'
import { respondStream } from '../respond.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { valuesOf } from './context.ts'
import { messageBytes, refusal } from './router.ts'

type Bytes = AsyncIterable<Uint8Array>

const nativeType = /^application\/grpc(\+|;|$)/i
const textType = /^application\/grpc-web-text/i

/** Bytes before each message. */
const prefix = 5

/** Has a handler answer the request. */
export async function respond(
	c: EdgeContext,
	handler: UniversalHandler,
	{ trailers, config: { limits } }: Pick<EdgeParts, 'trailers' | 'config'>,
): Promise<Response> {
	const request = c.req.raw
	const type = c.req.header('content-type') ?? ''
	const native = nativeType.test(type)
	const sendTrailers = native ? trailers?.(c) : undefined
	if (native && !sendTrailers)
		return refuseNative(c, 'native gRPC needs HTTP/2 with trailers: call the port for gRPC of an edge on Node, or use gRPC-Web or Connect')
	const text = textType.test(type)
	const header = new Headers(request.headers)
	if (text) header.set('content-type', type.replace(/-text/i, ''))
	const most = messageBytes(handler.method, limits) + prefix
	// As base64, of which each piece may be padded, it is longer.
	const body = received(c, handler.method.methodKind === 'unary' ? (text ? Math.ceil(most / 3) * 4 + prefix : most) : undefined)
	const response = await handler({
		// Of which version it is matters to streams that go both ways: whether they can, the platform shows by itself.
		httpVersion: '2',
		method: request.method,
		url: request.url,
		header,
		body: text ? fromBase64(body) : body,
		signal: request.signal,
		contextValues: valuesOf(c),
	})
	return send(c, text ? asText(response) : response, sendTrailers)
}

function send(
	c: EdgeContext,
	{ status, header, body, trailer }: UniversalServerResponse,
	sendTrailers: ((trailers: Record<string, string>) => void) | undefined,
): Response {
	const whole = body && sendTrailers && trailer ? before(body, () => sendTrailers(asTrailers(trailer))) : body
	const { body: stream } = universalServerResponseToFetch({ status, ...(whole && { body: whole }) })
	// Through the context, which has the headers that tell of the answer.
	return respondStream(c, stream, { status, headers: Object.fromEntries(header ?? []) })
}

/** Over HTTP/2 a message's punctuation stays as it is: some clients show what is encoded without need. */
function asTrailers(trailer: Headers): Record<string, string> {
	const message = trailer.get('grpc-message')
	if (message !== null) trailer.set('grpc-message', encodeURI(decodeURIComponent(message)).replaceAll('%20', ' '))
	return Object.fromEntries(trailer)
}

/** Calls `end` when all is given, before that is told. */
async function* before(body: Bytes, end: () => void): AsyncGenerator<Uint8Array> {
	yield* body
	end()
}

/**
 * The request's body.
 * @param limit of its bytes, where it is one message: that must be there within the time of the call, a stream goes on as long as both sides want.
 */
async function* received(c: EdgeContext, limit: number | undefined): AsyncGenerator<Uint8Array> {
	// Before the body is touched: what was begun must be read to its end, or the connection could not go on.
	const tooLarge = () => new SpillwayError('too-large', 'the request body is over the limit; send less in one call')
	if (limit !== undefined && Number(c.req.header('content-length') ?? 0) > limit) throw refusal(c, tooLarge())
	const { body, signal } = c.req.raw
	if (!body) return
	const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader()
	const read = () =>
		reader.read().catch((error) => {
			throw new SpillwayError('aborted', 'the client broke off its request', { cause: error })
		})
	let size = 0
	try {
		for (;;) {
			const { done, value } = await (limit !== undefined
				? bounded('the request', { remaining: c.get('remaining')(), signal }, read)
				: read())
			if (done) return
			size += value.byteLength
			if (limit !== undefined && size > limit) throw tooLarge()
			yield value
		}
	} catch (error) {
		throw refusal(c, error)
	} finally {
		// Not awaited: it may itself wait for the client.
		discard(reader)
	}
}

function asText({ header, body, ...response }: UniversalServerResponse): UniversalServerResponse {
	const headers = new Headers(header)
	headers.set('content-type', (headers.get('content-type') ?? '').replace('grpc-web', 'grpc-web-text'))
	return { ...response, header: headers, ...(body && { body: toBase64(body) }) }
}

/** Without trailers only a refusal can be told. */
const refuseNative = (c: EdgeContext, why: string): Response => {
	c.set('error', 'unsupported')
	return respondStream(c, null, {
		headers: { 'content-type': 'application/grpc', 'grpc-status': '12', 'grpc-message': encodeURIComponent(why) },
	})
}
