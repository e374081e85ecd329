// One HTTP exchange with a server: every way in which it can end badly becomes a SpillwayError.

import { type ErrorCode, messageOf, SpillwayError } from '../core/error.ts'
import type { Message } from './oip.ts'

/** The part of `fetch` that is used; Node, workerd and browsers have it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface Exchange {
	readonly headers: Headers
	readonly body: Uint8Array
}

/**
 * Posts a message and reads the whole response.
 *
 * @param options.name of the server, for errors.
 * @param options.signal aborts the request.
 * @throws SpillwayError `network` when nothing (or not all) comes back; the problem's own code when the server is a Spillway edge;
 *   else a code for the status: `unauthenticated`, `forbidden`, `not-found`, `too-large`, `rate-limited`, `unavailable`,
 *   `deadline-exceeded`, `upstream`.
 */
export async function post(
	url: string,
	{ body, headers }: Message,
	{ name, fetch, signal }: { name: string; fetch: Fetch; signal: AbortSignal },
): Promise<Exchange> {
	const lost = (what: string) => (error: unknown) => {
		throw new SpillwayError('network', `${name} ${what}: ${messageOf(error)}`, { cause: error })
	}
	const response = await fetch(url, { method: 'POST', headers, body, signal }).catch(lost('cannot be reached'))
	const received = new Uint8Array(await response.arrayBuffer().catch(lost('stopped in mid-answer')))
	if (!response.ok) throw failure(name, response, received)
	return { headers: response.headers, body: received }
}

const codeOfStatus: Record<number, ErrorCode> = {
	401: 'unauthenticated',
	403: 'forbidden',
	404: 'not-found',
	408: 'deadline-exceeded',
	409: 'unsupported',
	413: 'too-large',
	429: 'rate-limited',
	503: 'unavailable',
	504: 'deadline-exceeded',
}

/** What only the far side can have meant of itself: here nobody aborted, and nothing was disposed. */
const ofTheFarSide: Record<string, ErrorCode> = { aborted: 'upstream', disposed: 'unavailable' }

function failure(name: string, { status, headers }: Response, body: Uint8Array): SpillwayError {
	const problem = problemOf(body)
	const detail = [problem.detail, problem.error, problem.title].find((text) => typeof text === 'string' && text)
	const ofEdge = /^urn:spillway:error:([a-z-]+)$/.exec(String(problem.type))?.[1] as ErrorCode | undefined
	const code = ofEdge ? (ofTheFarSide[ofEdge] ?? ofEdge) : (codeOfStatus[status] ?? 'upstream')
	const retryAfter = retryAfterOf(headers.get('retry-after'))
	return new SpillwayError(code, `${name}: ${detail ?? `HTTP status ${status}`}`, retryAfter === undefined ? {} : { retryAfter })
}

/** RFC 9457's members, or `{"error": …}` as Open Inference Protocol servers answer. */
function problemOf(body: Uint8Array): Record<string, unknown> {
	try {
		const value: unknown = JSON.parse(new TextDecoder().decode(body))
		return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
	} catch {
		return {} // Some proxy's page.
	}
}

/** Milliseconds, of a header in seconds or with a date (RFC 9110, 10.2.3). */
function retryAfterOf(header: string | null): number | undefined {
	if (header === null) return undefined
	const time = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
	return Number.isNaN(time) ? undefined : Math.max(0, time)
}
