// The handlers of all gRPC services, one for each method: whatever a call comes by, its key is checked first, and its errors become statuses.

import type { DescMethod } from '@bufbuild/protobuf'
import { ConnectError, createConnectRouter, type HandlerContext, type Interceptor } from '@connectrpc/connect'
import type { UniversalHandler } from '@connectrpc/connect/protocol'
import { startClock } from '../../../runtime/core/deadline.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { authorize } from '../../auth/authorize.ts'
import type { Limits } from '../../config/schema.ts'
import type { EdgeContext } from '../../env.ts'
import type { EdgeParts } from '../../parts.ts'
import { compressions } from './compression.ts'
import { contextOf } from './context.ts'
import { health } from './health.ts'
import { reflection } from './reflection.ts'
import type { GrpcService } from './service.ts'
import { services } from './services.ts'
import { statusOf } from './status.ts'

const withHealth = [...services, health(services)]

/** Those of `services.ts`, and those that tell of them. */
export const allServices: readonly GrpcService[] = [...withHealth, ...reflection(withHealth)]

/** More than any message may have: none is worth compressing. */
const never = 0xffffffff

/** Methods that need a key. */
const keyed = new Set<DescMethod>(allServices.flatMap(({ service, keyed }) => keyed.map((name) => service.method[name] as DescMethod)))

/** Most bytes of a message that needs no key: names only. Who has no key must not fill the memory with messages that are half there. */
const unkeyedBytes = 64 * 1024

/** Most bytes of a message of a method, decompressed. */
export const messageBytes = (method: DescMethod, { bodyBytes }: Limits): number =>
	Math.min(bodyBytes, keyed.has(method) ? never : unkeyedBytes)

/** Makes the handlers. */
export function handlersOf(parts: EdgeParts): readonly UniversalHandler[] {
	const router = createConnectRouter({
		readMaxBytes: Math.min(parts.config.limits.bodyBytes, never),
		acceptCompression: [...compressions],
		compressMinBytes: never,
		interceptors: [told],
		requestGate: gate(parts),
	})
	for (const service of allServices)
		service.register(
			router,
			parts,
			service.keyed.length === 0 ? { readMaxBytes: Math.min(parts.config.limits.bodyBytes, unkeyedBytes) } : undefined,
		)
	return router.handlers
}

/** Runs before the input is read: the call's time counts, and who may not call is refused. */
function gate(parts: EdgeParts): (context: HandlerContext) => Promise<void> {
	const authorized = authorize(parts, 'infer')
	return async (context) => {
		const c = contextOf(context)
		try {
			limitTime(c, context.timeoutMs(), parts.config.limits.maxDeadline)
			if (keyed.has(context.method)) await authorized(c, async () => {})
		} catch (error) {
			throw refusal(c, error)
		}
	}
}

/** `grpc-timeout` or `connect-timeout-ms`, beside `Spillway-Time-Left`: the smaller one counts. */
function limitTime(c: EdgeContext, timeout: number | undefined, most: number): void {
	if (timeout === undefined) return
	const left = c.req.header('spillway-time-left') === undefined ? most : c.get('remaining')()
	c.set('remaining', startClock(Math.min(timeout, left)))
}

const told: Interceptor = (next) => async (request) => {
	const c = contextOf({ values: request.contextValues })
	try {
		const response = await next(request)
		return response.stream ? { ...response, message: toldOf(c, response.message) } : response
	} catch (error) {
		throw refusal(c, error)
	}
}

async function* toldOf<Message>(c: EdgeContext, messages: AsyncIterable<Message>): AsyncIterable<Message> {
	try {
		yield* messages
	} catch (error) {
		throw refusal(c, error)
	}
}

/** The status for an error, which the metrics are told. What is no error of Spillway's is a fault of ours: its words are logged, not sent. */
export function refusal(c: EdgeContext, error: unknown): ConnectError {
	if (error instanceof ConnectError) return error
	const known = error instanceof SpillwayError
	if (!known) console.error(error)
	const told = known ? error : new SpillwayError('internal', 'the edge failed; its log says why')
	c.set('error', told.code)
	return statusOf(told)
}
