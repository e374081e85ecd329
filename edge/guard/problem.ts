// Errors as HTTP: a status for each code, and a body in the form that the protocol's clients read.

import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import type { EdgeContext } from '../env.ts'
import { respondJson } from '../protocols/respond.ts'

const statuses: Record<ErrorCode, number> = {
	'invalid-input': 400,
	malformed: 400,
	unauthenticated: 401,
	forbidden: 403,
	'not-found': 404,
	'too-large': 413,
	unsupported: 422,
	'rate-limited': 429,
	// nginx's number for a client that left: no one reads it but logs and metrics.
	aborted: 499,
	internal: 500,
	integrity: 500,
	untrusted: 500,
	'storage-full': 500,
	environment: 500,
	network: 502,
	upstream: 502,
	unavailable: 503,
	disposed: 503,
	'worker-lost': 503,
	'out-of-memory': 503,
	'golden-mismatch': 503,
	'channel-expired': 503,
	'channel-rollback': 503,
	'deadline-exceeded': 504,
}

const titles: Record<ErrorCode, string> = {
	'invalid-input': 'Invalid input',
	malformed: 'Malformed request',
	unauthenticated: 'No valid API key',
	forbidden: 'Not allowed',
	'not-found': 'Not found',
	'too-large': 'Too large',
	unsupported: 'Not supported',
	'rate-limited': 'Quota exceeded',
	aborted: 'Aborted by the client',
	internal: 'Internal error',
	integrity: 'Damaged content',
	untrusted: 'Untrusted channel',
	'storage-full': 'Storage full',
	environment: 'Environment lacks something',
	network: 'Upstream not reached',
	upstream: 'Upstream failed',
	unavailable: 'Not available now',
	disposed: 'Shutting down',
	'worker-lost': 'Session lost',
	'out-of-memory': 'Out of memory',
	'golden-mismatch': 'Model fails its golden check',
	'channel-expired': 'Channel expired',
	'channel-rollback': 'Channel older than before',
	'deadline-exceeded': 'Deadline exceeded',
}

/** All codes, for what names them to others. */
export const errorCodes: readonly string[] = Object.keys(statuses)

/** The HTTP status that stands for a code. */
export const statusOf = (code: ErrorCode): number => statuses[code]

/** An error in the form of RFC 9457, with Spillway's code as a member of its own. */
export interface Problem {
	readonly type: string
	readonly title: string
	readonly status: number
	readonly detail: string
	readonly code: ErrorCode
}

export const problemType = 'application/problem+json'

/** A code in the form of RFC 9457. */
export const problemOf = (code: ErrorCode, status: number, detail: string): Problem => ({
	type: `urn:spillway:error:${code}`,
	title: titles[code],
	status,
	detail,
	code,
})

/**
 * An error as others may know it: what is no `SpillwayError` is a fault of ours, its words are logged, not sent.
 *
 * @param status in place of the one that the error's code stands for.
 */
export function problemFrom(error: unknown, status?: number): { problem: Problem; retryAfter: number | undefined } {
	const known = error instanceof SpillwayError
	if (!known) console.error(error)
	const { code, message, retryAfter } = known ? error : new SpillwayError('internal', 'the edge failed; its log says why')
	return { problem: problemOf(code, status ?? statuses[code], message), retryAfter }
}

/** Answers with an error, in the form of the protocol that the path belongs to, else as problem+json. */
export function respondWithError(error: unknown, c: EdgeContext): Response {
	const { problem, retryAfter } = problemFrom(error, c.get('status'))
	const { status } = problem
	c.set('error', problem.code)
	const headers: Record<string, string> = { 'cache-control': 'no-store' }
	if (retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfter / 1000)))
	if (status === 401) headers['www-authenticate'] = 'Bearer realm="spillway"'
	const area = c.get('area')
	const refusal = 'refuse' in area ? area.refuse?.(problem) : undefined
	const { body, ...more } = refusal ?? { body: problem, headers: { 'content-type': problemType } }
	return respondJson(c, body, { status, ...more, headers: { ...headers, ...more.headers } })
}
