// One HTTP exchange with a server: every way in which it can end badly becomes a SpillwayError.

import { type ErrorCode, messageOf, SpillwayError } from '../core/error.ts'
import type { Message } from './oip-binary.ts'

/** The part of `fetch` that is used; Node, workerd and browsers have it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What a status means where the body does not say. */
export type CodeOf = (status: number) => ErrorCode | undefined

export interface Exchange {
	readonly headers: Headers
	readonly body: Uint8Array
}

export interface PostOptions {
	readonly name: string
	readonly fetch: Fetch
	readonly signal: AbortSignal
	readonly heard: (headers: Headers) => void
	readonly codeOf: CodeOf | undefined
}

/**
 * Posts a message and reads the whole response.
 *
 * @param options.name of the server, for errors.
 * @param options.signal aborts the request.
 * @param options.heard gets the headers of whatever answer comes.
 * @param options.codeOf of an answer that is no Spillway problem. Default: `upstream`.
 * @throws SpillwayError `network` when nothing (or not all) comes back; the problem's own code when the server is a Spillway edge, else `codeOf`'s.
 */
export async function post(
	url: string,
	{ body, headers }: Message,
	{ name, fetch, signal, heard, codeOf }: PostOptions,
): Promise<Exchange> {
	let response: Response
	let received: Uint8Array
	try {
		response = await fetch(url, { method: 'POST', headers, body, signal })
		heard(response.headers)
		received = new Uint8Array(await response.arrayBuffer())
	} catch (error) {
		throw new SpillwayError('network', `${name}: no whole answer: ${messageOf(error)}`, { cause: error })
	}
	if (!response.ok) throw failure(name, response, received, codeOf)
	return { headers: response.headers, body: received }
}

/** RFC 9457's members, or `error` as Open Inference Protocol servers answer. */
interface Problem {
	type?: unknown
	detail?: unknown
	error?: unknown
}

function failure(name: string, { status, headers }: Response, body: Uint8Array, codeOf: CodeOf | undefined): SpillwayError {
	let problem: Problem = {}
	try {
		problem = JSON.parse(new TextDecoder().decode(body)) ?? {}
	} catch {
		// Some proxy's page.
	}
	const told = /^urn:spillway:error:([a-z-]+)$/.exec(String(problem.type))?.[1] as ErrorCode | undefined
	// What the far side can have meant only of itself: here nobody aborted, and nothing was disposed.
	const code = told === 'aborted' || told === 'disposed' ? 'upstream' : (told ?? codeOf?.(status) ?? 'upstream')
	const message = `${name}: ${problem.detail ?? problem.error ?? `HTTP status ${status}`}`
	return new SpillwayError(code, message, { retryAfter: retryAfterOf(headers) })
}

/** Milliseconds; the header has seconds, or a date by the server's clock (RFC 9110, 10.2.3). */
function retryAfterOf(headers: Headers): number | undefined {
	const told = headers.get('retry-after') ?? ''
	if (/^\d+$/.test(told)) return Number(told) * 1000 || undefined
	const date = Date.parse(told) - (Date.parse(headers.get('date') ?? '') || Date.now())
	return date > 0 ? date : undefined
}
