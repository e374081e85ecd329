// Errors as AWS clients read them: the class in a header, the words in `Message`.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors

import type { ErrorCode } from '../../../runtime/core/error.ts'
import type { Problem } from '../../guard/problem.ts'
import type { Refusal } from '../protocol.ts'

interface Class {
	readonly type: string
	readonly status: number
}

const invalid: Class = { type: 'ValidationError', status: 400 }
const model: Class = { type: 'ModelError', status: 424 }
const unavailable: Class = { type: 'ServiceUnavailable', status: 503 }

/** What is not here is a fault of this edge. */
const classes: Partial<Record<ErrorCode, Class>> = {
	'invalid-input': invalid,
	malformed: invalid,
	'not-found': invalid,
	unsupported: invalid,
	'too-large': invalid,
	unauthenticated: { type: 'UnrecognizedClientException', status: 403 },
	forbidden: { type: 'AccessDeniedException', status: 403 },
	'rate-limited': { type: 'ThrottlingException', status: 429 },
	aborted: { type: 'ModelError', status: 499 },
	network: model,
	upstream: model,
	'deadline-exceeded': model,
	unavailable,
	disposed: unavailable,
	'worker-lost': unavailable,
	'out-of-memory': unavailable,
	'golden-mismatch': unavailable,
	'channel-expired': unavailable,
	'channel-rollback': unavailable,
}

/** One of Spillway's errors as SageMaker would say it. */
export function refusalOf({ code, status, detail }: Problem): Refusal {
	const { type, status: theirs } = classes[code] ?? { type: 'InternalFailure', status: 500 }
	const original = type === 'ModelError' && { OriginalMessage: detail, OriginalStatusCode: status }
	return {
		body: { Message: detail, ...original },
		headers: { 'x-amzn-errortype': type },
		// A method that the path does not take, and a loop, have statuses that no class of AWS has.
		status: status === 405 || status === 508 ? status : theirs,
	}
}
