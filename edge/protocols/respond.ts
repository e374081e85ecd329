// Responses whose length is known: sent in one piece, counted without a look inside.

import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { toUtf8 } from '../../runtime/core/utf8.ts'
import type { EdgeContext } from '../env.ts'

interface Options {
	/** Default 200. */
	readonly status?: number
	readonly headers?: Readonly<Record<string, string>>
}

/** Answers with a value as JSON; `headers` may give a more exact content type. */
export function respondJson(c: EdgeContext, value: unknown, { status = 200, headers = {} }: Options = {}): Response {
	return respondBytes(c, toUtf8(JSON.stringify(value)), {
		status,
		headers: { 'content-type': 'application/json', ...headers },
	})
}

/** Answers with bytes. */
export function respondBytes(c: EdgeContext, body: Uint8Array<ArrayBuffer>, { status = 200, headers = {} }: Options = {}): Response {
	return c.body(body, status as ContentfulStatusCode, { ...headers, 'content-length': String(body.byteLength) })
}
