// One stored thing as an HTTP response: validators, ranges, and only the bytes that are wanted.

import { type ByteRange, readRange } from './range.ts'

/** Something with a size and a validator whose bytes are made when they are wanted. */
export interface Content {
	readonly size: number
	/** Strong validator, with its quotes. */
	readonly etag: string
	readonly type: string
	/** Value of `Cache-Control`. */
	readonly cache: string
	/** Bytes of a part; not called for HEAD, 304 and 416. */
	body(range: ByteRange): BodyInit
}

/** What never changes under its address. */
export const immutable = 'public, max-age=31536000, immutable'

/** What must be asked about each time. */
export const revalidate = 'no-cache'

/**
 * Answers a GET or HEAD with a 200, 206, 304 or 416.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
 */
export function respond(request: Request, content: Content): Response {
	const { size, etag } = content
	const headers = new Headers({ etag, 'cache-control': content.cache, 'accept-ranges': 'bytes' })
	if (matches(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })
	const range = request.method === 'GET' && mayRange(request, etag) ? readRange(request.headers.get('range'), size) : 'all'
	if (range === 'none') {
		headers.set('content-range', `bytes */${size}`)
		return new Response(null, { status: 416, headers })
	}
	const part = range === 'all' ? { start: 0, end: size } : range
	headers.set('content-type', content.type)
	headers.set('content-length', String(part.end - part.start))
	if (range !== 'all') headers.set('content-range', `bytes ${part.start}-${part.end - 1}/${size}`)
	const body = request.method === 'HEAD' ? null : content.body(part)
	return new Response(body, { status: range === 'all' ? 200 : 206, headers })
}

/** Whether `If-None-Match` names the validator; compared weakly, as RFC 9110 asks for GET and HEAD. */
export function matches(header: string | null, etag: string): boolean {
	if (header === null) return false
	const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
	return header.trim() === '*' || header.split(',').some((tag) => opaque(tag) === opaque(etag))
}

/** With `If-Range`, a range is good only for the very bytes that the client has begun with. */
const mayRange = (request: Request, etag: string): boolean => {
	const condition = request.headers.get('if-range')
	return condition === null || condition.trim() === etag
}
