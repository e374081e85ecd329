// Native gRPC: the application behind an HTTP/2 server of its own, with the trailers that gRPC's statuses travel in.

import type { RequestListener } from 'node:http'
import {
	createSecureServer,
	createServer,
	type Http2Server,
	type Http2ServerRequest,
	Http2ServerResponse,
	type ServerHttp2Session,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Context } from 'hono'
import type { TlsFiles } from './tls.ts'

export interface GrpcServer {
	/** That it listens on. */
	readonly port: number
	/**
	 * Accepts nothing more, tells clients to go elsewhere, and lets calls under way end. Idempotent.
	 * @param patience milliseconds after which it resolves though calls are left.
	 */
	end(patience: number): Promise<void>
	/** Cuts what is left. */
	cut(): void
}

export interface GrpcServerOptions {
	/** As for an HTTP/1 server. */
	listener: RequestListener
	host: string
	/** 0 lets the system choose; false is for none. Default: 8788, if that is free. */
	port: number | false | undefined
	/** Certificate and key. Default: connections are not encrypted (h2c, with prior knowledge). */
	tls?: TlsFiles | undefined
}

/** Bytes that may be on their way on a stream, and on a connection: tensors are larger than HTTP/2's 64 KiB. */
const streamWindow = 1024 * 1024
const connectionWindow = 4 * streamWindow

/** Megabytes that Node may hold for a connection before it refuses calls on it. */
const sessionMemory = 256

/** Calls at a time on a connection; clients wait with more. */
const streams = 1000

const defaultPort = 8788

/**
 * Starts it. That the default port is taken is told, and the edge goes on without: over gRPC-Web and Connect its services are there all the same.
 *
 * @returns undefined where there is to be none.
 * @throws an error of Node's when a port that was asked for is taken.
 */
export async function grpcServer({ port, ...options }: GrpcServerOptions): Promise<GrpcServer | undefined> {
	if (port === false) return undefined
	if (port !== undefined) return start({ ...options, port })
	try {
		return await start({ ...options, port: defaultPort })
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
		console.error(`no native gRPC: port ${defaultPort} is taken; choose another by server.grpcPort or GRPC_PORT`)
		return undefined
	}
}

async function start({ listener, host, port, tls }: GrpcServerOptions & { port: number }): Promise<GrpcServer> {
	const options = { settings: { initialWindowSize: streamWindow, maxConcurrentStreams: streams }, maxSessionMemory: sessionMemory }
	// Node's two HTTP servers have listeners of the same form; that of the application takes both.
	const listening = listener as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void
	const server = tls ? createSecureServer({ ...tls, ...options }, listening) : createServer(options, listening)
	const sessions = new Set<ServerHttp2Session>()
	server.on('session', (session: ServerHttp2Session) => {
		sessions.add(session)
		session.setLocalWindowSize(connectionWindow)
		session.once('close', () => sessions.delete(session))
		// A connection that breaks ends its streams; there is no one to tell.
		session.on('error', () => {})
	})
	await listen(server, port, host)
	let closed: Promise<void> | undefined
	return {
		port: (server.address() as AddressInfo).port,
		async end(patience) {
			closed ??= new Promise<void>((resolve) => server.close(() => resolve()))
			for (const session of sessions) session.close()
			let timer: ReturnType<typeof setTimeout> | undefined
			const late = new Promise<void>((resolve) => {
				timer = setTimeout(resolve, patience)
			})
			await Promise.race([closed, late])
			clearTimeout(timer)
		},
		cut() {
			for (const session of sessions) session.destroy()
		},
	}
}

const listen = (server: Http2Server, port: number, host: string): Promise<void> =>
	new Promise((resolve, reject) => {
		server.once('error', reject)
		server.listen(port, host, () => {
			server.off('error', reject)
			resolve()
		})
	})

/** How trailers are sent after the response's body; undefined on connections that have none. */
export function trailersOf(c: Context): ((trailers: Record<string, string>) => void) | undefined {
	const { outgoing } = c.env as { outgoing?: unknown }
	return outgoing instanceof Http2ServerResponse ? (trailers) => outgoing.addTrailers(trailers) : undefined
}
