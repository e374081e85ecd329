// Spillway's errors as gRPC's status codes, and back.
// https://github.com/grpc/grpc/blob/master/doc/statuscodes.md

import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError } from '@connectrpc/connect'
import { type ErrorCode, SpillwayError } from '../../../runtime/core/error.ts'
import { ErrorInfoSchema, RetryInfoSchema } from './proto/google/rpc/error_details_pb.ts'

const codes: Record<ErrorCode, Code> = {
	'invalid-input': Code.InvalidArgument,
	malformed: Code.InvalidArgument,
	unauthenticated: Code.Unauthenticated,
	forbidden: Code.PermissionDenied,
	'not-found': Code.NotFound,
	// gRPC's own word for messages over a limit.
	'too-large': Code.ResourceExhausted,
	unsupported: Code.Unimplemented,
	'rate-limited': Code.ResourceExhausted,
	aborted: Code.Canceled,
	internal: Code.Internal,
	integrity: Code.Internal,
	untrusted: Code.Internal,
	'storage-full': Code.Internal,
	environment: Code.Internal,
	network: Code.Unavailable,
	upstream: Code.Unavailable,
	unavailable: Code.Unavailable,
	disposed: Code.Unavailable,
	'worker-lost': Code.Unavailable,
	'out-of-memory': Code.Unavailable,
	'golden-mismatch': Code.Unavailable,
	'channel-expired': Code.Unavailable,
	'channel-rollback': Code.Unavailable,
	'deadline-exceeded': Code.DeadlineExceeded,
}

/** What a status means of a server that does not tell Spillway's code. What is not here is `upstream`. */
const meanings: Partial<Record<Code, ErrorCode>> = {
	[Code.InvalidArgument]: 'invalid-input',
	[Code.DeadlineExceeded]: 'deadline-exceeded',
	[Code.NotFound]: 'not-found',
	[Code.PermissionDenied]: 'forbidden',
	[Code.ResourceExhausted]: 'rate-limited',
	[Code.Unimplemented]: 'unsupported',
	[Code.Unavailable]: 'unavailable',
	[Code.Unauthenticated]: 'unauthenticated',
}

const domain = 'spillway'

/**
 * An error as gRPC's clients read it. Its details are `google.rpc.ErrorInfo` with Spillway's code, and `google.rpc.RetryInfo` where it is known
 * when another try makes sense; `retry-after` (seconds) tells the same in the metadata.
 */
export function statusOf(error: SpillwayError): ConnectError {
	const { code, message, retryAfter } = error
	const info = { desc: ErrorInfoSchema, value: { reason: code.replaceAll('-', '_').toUpperCase(), domain, metadata: { code } } }
	if (retryAfter === undefined) return new ConnectError(message, codes[code], undefined, [info], error)
	const retry = { desc: RetryInfoSchema, value: { retryDelay: durationFromMs(Math.ceil(retryAfter)) } }
	const metadata = { 'retry-after': String(Math.max(1, Math.ceil(retryAfter / 1000))) }
	return new ConnectError(message, codes[code], metadata, [info, retry], error)
}

/** The error that a server told by its status. */
export function errorOf(status: ConnectError): SpillwayError {
	const [info] = status.findDetails(ErrorInfoSchema)
	const [retry] = status.findDetails(RetryInfoSchema)
	const told = info?.domain === domain ? info.metadata.code : undefined
	const code = told !== undefined && Object.hasOwn(codes, told) ? (told as ErrorCode) : (meanings[status.code] ?? 'upstream')
	return new SpillwayError(code, status.rawMessage, { cause: status, retryAfter: retry?.retryDelay && durationMs(retry.retryDelay) })
}
