// Calls of one message each to gRPC servers on Node, as requests: the body is the message there and back, and an error status is a problem.

import { encodeEnvelope, type UniversalClientResponse } from '@connectrpc/connect/protocol'
import { findTrailerError, parseContentType } from '@connectrpc/connect/protocol-grpc'
import { createNodeHttpClient, Http2SessionManager } from '@connectrpc/connect-node'
import { problemOf, problemType } from '../../guard/problem.ts'
import { errorOf } from '../../protocols/grpc/status.ts'
import type { Pool } from './pool.ts'
import type { TlsFiles } from './tls.ts'

/** Bytes that an answer may have on its way before they are read: tensors are larger than HTTP/2's 64 KiB. */
const streamWindow = 1024 * 1024

/** Megabytes that Node may hold for a connection before it refuses calls on it. */
const sessionMemory = 256

/** Milliseconds for which an idle connection is kept. */
const idle = 60_000

/** Bytes before each message: a flag, and its length. */
const prefix = 5

export interface GrpcPoolOptions {
	/** Certificates in PEM. Default: the authorities that Node trusts, and no certificate of one's own. */
	tls?: TlsFiles | undefined
	/** Milliseconds after which a connection on which nothing comes gets no more calls, once one of its calls is given up. Default 5,000. */
	silence?: number
}

interface Connection {
	readonly manager: Http2SessionManager
	/** When an answer last began on it: milliseconds of `performance.now`. */
	heard: number
}

/**
 * Makes it: one HTTP/2 connection to each server, opened anew when it breaks, or when nothing is heard of it any more: what a network has
 * swallowed without a word would keep all calls to itself.
 *
 * `fetch` posts the body as the one message of a call, to the address of a method. The response's body is the one message of the answer, its
 * headers are the metadata; a status other than OK is a problem (RFC 9457) with Spillway's code for it. Rejects when no whole answer comes.
 */
export function grpcPool({ tls = {}, silence = 5_000 }: GrpcPoolOptions = {}): Pool {
	const http2 = { ...tls, settings: { initialWindowSize: streamWindow }, maxSessionMemory: sessionMemory }
	const connections = new Map<string, Connection>()
	/** Without new calls; they close when they are idle. */
	let left: Http2SessionManager[] = []

	function connectionOf(url: string): Connection {
		const { origin } = new URL(url)
		const manager = () => new Http2SessionManager(origin, { idleConnectionTimeoutMs: idle }, http2)
		const connection = connections.get(origin) ?? { manager: manager(), heard: performance.now() }
		connections.set(origin, connection)
		return connection
	}

	function leave({ manager }: Connection): void {
		connections.delete(manager.authority)
		left = [...left.filter((one) => one.state() === 'open' || one.state() === 'idle'), manager]
	}

	const client = createNodeHttpClient({ httpVersion: '2', sessionProvider: (url) => connectionOf(url).manager })
	return {
		async fetch(url, { headers, body, signal }) {
			const header = new Headers(headers)
			header.set('content-type', 'application/grpc+proto')
			header.set('te', 'trailers')
			const connection = connectionOf(url)
			const begun = performance.now()
			try {
				const sent = once(encodeEnvelope(0, body as Uint8Array))
				const response = await client({ url, method: 'POST', header, body: sent, ...(signal && { signal }) })
				connection.heard = performance.now()
				return await responseOf(response)
			} catch (error) {
				const silent = performance.now() - Math.max(begun, connection.heard)
				if (signal?.aborted && silent >= silence && connections.get(connection.manager.authority) === connection) leave(connection)
				throw error
			}
		},
		async close() {
			for (const manager of [...left, ...Array.from(connections.values(), (connection) => connection.manager)]) manager.abort()
		},
	}
}

async function* once(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
	yield bytes
}

async function responseOf({ status, header, body, trailer }: UniversalClientResponse): Promise<Response> {
	const parts: Uint8Array[] = []
	for await (const part of body) parts.push(part)
	// A proxy's answer, or that of a server which does not speak gRPC.
	if (status !== 200 || !parseContentType(header.get('content-type'))) {
		const problem = problemOf(
			'upstream',
			status,
			`no answer of gRPC (HTTP status ${status}, ${header.get('content-type') ?? 'no content type'})`,
		)
		return Response.json(problem, { status: status >= 400 ? status : 502, headers: { 'content-type': problemType } })
	}
	const failed = findTrailerError(trailer) ?? findTrailerError(header)
	if (failed) {
		const { code, message, retryAfter } = errorOf(failed)
		const headers = new Headers(header)
		headers.set('content-type', problemType)
		if (retryAfter !== undefined) headers.set('retry-after', String(Math.ceil(retryAfter / 1000)))
		return Response.json(problemOf(code, 502, message), { status: 502, headers })
	}
	if (!trailer.has('grpc-status') && !header.has('grpc-status')) throw new TypeError('the answer was cut off: it has no status')
	return new Response(messageOf(Buffer.concat(parts)), { headers: header })
}

/** The one message in a body. */
function messageOf(body: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> {
	if (body.byteLength < prefix || body.readUInt32BE(1) !== body.byteLength - prefix) throw new TypeError('the answer is not one message')
	if (body[0] !== 0) throw new TypeError('the answer is compressed, which nobody asked for')
	return body.subarray(prefix)
}
