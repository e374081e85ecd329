// One HTTP exchange with a server: every way in which it can end badly becomes a SpillwayError.

import { collect } from '../core/bytes.ts'
import { type ErrorCode, messageOf, SpillwayError } from '../core/error.ts'
import { fromUtf8 } from '../core/utf8.ts'
import type { Message } from './oip-binary.ts'

export type ReadHeaders = Pick<Headers, 'get'>

/** The part of a `Response` that is used. */
export interface Answered extends Pick<Response, 'status' | 'ok' | 'body' | 'arrayBuffer' | 'text' | 'json'> {
	readonly headers: ReadHeaders
}

/** The part of `fetch` that is used; Node, workerd and browsers have it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Answered>

/** What a status means where the body does not say. */
export type CodeOf = (status: number) => ErrorCode | undefined

export interface Exchange {
	readonly headers: ReadHeaders
	readonly body: Uint8Array
}

export interface PostOptions {
	readonly name: string
	readonly fetch: Fetch
	readonly signal: AbortSignal
	readonly heard: (headers: ReadHeaders) => void
	readonly codeOf: CodeOf | undefined
}

/**
 * Posts a message; what comes back is a success, and its body has not been read.
 *
 * @param options.name of the server, for errors.
 * @param options.signal aborts the request.
 * @param options.heard gets the headers of whatever answer comes.
 * @param options.codeOf of an answer that is no Spillway problem. Default: `upstream`.
 * @throws SpillwayError `network` when nothing comes back; the problem's own code when the server is a Spillway edge, else `codeOf`'s.
 */
export async function post(
	url: string,
	{ body, headers }: Message,
	{ name, fetch, signal, heard, codeOf }: PostOptions,
): Promise<Answered> {
	// A redirect would take keys in headers of other names than `Authorization` with it.
	const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' }).catch((error) => {
		throw noAnswer(name, error)
	})
	heard(response.headers)
	if (!response.ok) throw failure(name, response, await bytesOf(name, response), codeOf)
	return response
}

/** Most bytes of a whole answer: what never ends must not fill the memory. */
const mostBytes = 256 * 1024 * 1024

/**
 * Reads the whole response, of 256 MiB at most.
 * @throws SpillwayError `network` when not all comes, `upstream` when it is more.
 */
export const whole = async (name: string, response: Answered): Promise<Exchange> => ({
	headers: response.headers,
	body: await bytesOf(name, response),
})

async function bytesOf(name: string, response: Answered): Promise<Uint8Array> {
	const { headers } = response
	const tooMuch = () => new SpillwayError('upstream', `${name} answers with more than ${mostBytes} bytes`)
	// Of what is compressed the length tells nothing.
	const told = headers.get('content-encoding') ? null : headers.get('content-length')
	if (Number(told) > mostBytes) {
		response.body?.cancel().catch(() => {})
		throw tooMuch()
	}
	try {
		// Where the length is known, no stream is made of it.
		const body = told === null ? response.body : null
		return body ? await collect(body, mostBytes, tooMuch) : new Uint8Array(await response.arrayBuffer())
	} catch (error) {
		throw error instanceof SpillwayError ? error : noAnswer(name, error)
	}
}

const noAnswer = (name: string, cause: unknown) => new SpillwayError('network', `${name}: no whole answer: ${messageOf(cause)}`, { cause })

/** RFC 9457's members, or `error` as servers of the Open Inference Protocol and of OpenAI's answer. */
interface Problem {
	type?: unknown
	detail?: unknown
	error?: unknown
	message?: unknown
	/** AWS's. */
	Message?: unknown
}

const redirected = 'it redirects, which is not followed: give the address at which it answers'

function failure(name: string, { status, headers }: Answered, body: Uint8Array, codeOf: CodeOf | undefined): SpillwayError {
	let problem: Problem = {}
	try {
		problem = JSON.parse(fromUtf8(body)) ?? {}
	} catch {
		// Some proxy's page.
	}
	const code = codeTold(problem) ?? codeOf?.(status) ?? 'upstream'
	const { detail, error, message: words, Message } = problem
	const otherwise = status < 400 ? redirected : `HTTP status ${status}`
	const message = `${name}: ${[detail, error, (error as Problem | undefined)?.message, words, Message].find(isText) ?? otherwise}`
	return new SpillwayError(code, message, { retryAfter: retryAfterOf(headers) })
}

/** The code that an edge's problem tells. */
export function codeTold({ type }: { readonly type?: unknown }): ErrorCode | undefined {
	const told = /^urn:spillway:error:([a-z-]+)$/.exec(String(type))?.[1] as ErrorCode | undefined
	// What the far side can have meant only of itself: here nobody aborted, and nothing was disposed.
	return told === 'aborted' || told === 'disposed' ? 'upstream' : told
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Milliseconds; the header has seconds, or a date by the server's clock (RFC 9110, 10.2.3). */
function retryAfterOf(headers: ReadHeaders): number | undefined {
	const told = headers.get('retry-after') ?? ''
	// Nobody means more than nine digits.
	if (/^\d+$/.test(told)) return (told.length < 10 && Number(told) * 1000) || undefined
	const date = Date.parse(told) - (Date.parse(headers.get('date') ?? '') || Date.now())
	return date > 0 ? date : undefined
}
