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
	/** The content coding that the bytes are in; `null` for bytes as they are of which there may be a coded form. Default: there is none. */
	readonly encoding?: 'br' | null
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
	if (content.encoding !== undefined) headers.set('vary', 'Accept-Encoding')
	if (matches(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })
	const range = request.method === 'GET' && mayRange(request, etag) ? readRange(request.headers.get('range'), size) : 'all'
	if (range === 'none') {
		// Caches know ranges not by their names: kept, this would be the answer to everyone.
		headers.set('cache-control', 'no-store')
		headers.set('content-range', `bytes */${size}`)
		return new Response(null, { status: 416, headers })
	}
	const part = range === 'all' ? { start: 0, end: size } : range
	headers.set('content-type', content.type)
	if (content.encoding) headers.set('content-encoding', content.encoding)
	headers.set('content-length', String(part.end - part.start))
	if (range !== 'all') headers.set('content-range', `bytes ${part.start}-${part.end - 1}/${size}`)
	const body = request.method === 'HEAD' ? null : content.body(part)
	return new Response(body, { ...asEncoded, status: range === 'all' ? 200 : 206, headers })
}

/** Tells workerd, which would encode a body as its headers say, that it is encoded already. Node knows no such thing, and takes no notice. */
export const asEncoded = { encodeBody: 'manual' } as ResponseInit

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
