// The edge's responses. Their headers are gathered in a plain object and handed over once: a `Headers` that is filled by and by is copied by
// each response, which on workerd costs as much as a model's checks, and on Node's adapter is not needed at all.

import { toUtf8 } from '../../runtime/core/utf8.ts'
import type { EdgeContext } from '../env.ts'

interface Options {
	/** Default 200. */
	readonly status?: number
	readonly headers?: Readonly<Record<string, string>>
}

/**
 * Has the response carry headers, whoever makes it.
 * @param headers their names in small letters; values are printable ASCII, which nobody checks after this.
 */
export function tell(c: EdgeContext, headers: Readonly<Record<string, string>>): void {
	c.set('told', { ...c.get('told'), ...headers })
}

/** Answers with a value as JSON; `headers` may give a more exact content type. */
export function respondJson(c: EdgeContext, value: unknown, { status = 200, headers }: Options = {}): Response {
	return respondBytes(c, toUtf8(JSON.stringify(value)), {
		status,
		headers: { 'content-type': 'application/json', ...headers },
	})
}

/** Answers with bytes: sent in one piece, counted without a look inside. */
export function respondBytes(c: EdgeContext, body: Uint8Array<ArrayBuffer>, { status = 200, headers }: Options = {}): Response {
	const size = body.byteLength
	c.set('size', size)
	return new Response(body, { status, headers: { ...c.get('told'), ...headers, 'content-length': String(size) } })
}

/** Answers with what comes by and by; null is no body at all. */
export function respondStream(c: EdgeContext, body: ReadableStream<Uint8Array> | null, { status = 200, headers }: Options = {}): Response {
	c.set('size', body ? null : 0)
	return new Response(body, { status, headers: { ...c.get('told'), ...headers } })
}
