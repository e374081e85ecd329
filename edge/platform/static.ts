// One static file as an HTTP response: in brotli where it lies beside it so and the client accepts it.

import { brotliDecompress } from 'node:zlib'
import { compressedPath } from '../../models/format/layout.ts'
import { takesBrotli } from '../catalog/encoding.ts'
import { type Files, readFile } from '../catalog/files.ts'
import { asEncoded } from '../catalog/respond.ts'

/**
 * @param files where `path` is, and perhaps `path` with `.br` behind it, made by the build: the same in brotli. A file may be there in that form alone,
 *   where a platform takes no larger ones.
 * @param cache value of `Cache-Control`.
 * @returns 200 or 304; `null` when there is no such file.
 */
export async function serveFile(files: Files, path: string, cache: string, request: Request): Promise<Response | null> {
	const validator = request.headers.get('if-none-match') ?? undefined
	const coded = takesBrotli(request) ? await files.get(compressedPath(path), validator) : null
	const found = coded ?? (await files.get(path, validator)) ?? (await unpacked(files, path))
	if (!found) return null
	const headers = new Headers({ 'cache-control': cache, vary: 'Accept-Encoding', 'x-content-type-options': 'nosniff' })
	for (const name of ['etag', 'content-length']) {
		const value = found.headers.get(name)
		if (value !== null) headers.set(name, value)
	}
	if (found.status === 200) {
		headers.set('content-type', typeOf(path))
		if (coded) headers.set('content-encoding', 'br')
	}
	return new Response(found.body, { ...asEncoded, status: found.status, headers })
}

/** For the few who accept no brotli. */
async function unpacked(files: Files, path: string): Promise<Response | null> {
	const coded = await readFile(files, compressedPath(path))
	if (!coded) return null
	const bytes = await new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
		brotliDecompress(coded, (error, plain) => (error ? reject(error) : resolve(plain as Uint8Array<ArrayBuffer>)))
	})
	return new Response(bytes, { headers: { 'content-length': String(bytes.byteLength) } })
}

const types: Record<string, string> = {
	html: 'text/html; charset=utf-8',
	css: 'text/css; charset=utf-8',
	js: 'text/javascript; charset=utf-8',
	json: 'application/json',
	map: 'application/json',
	webmanifest: 'application/manifest+json',
	wasm: 'application/wasm',
	svg: 'image/svg+xml',
	png: 'image/png',
	webp: 'image/webp',
	ico: 'image/x-icon',
	woff2: 'font/woff2',
	txt: 'text/plain; charset=utf-8',
}

/** Value of `Content-Type`, by the name's end. */
export const typeOf = (path: string): string => types[/\.([^./]+)$/.exec(path)?.[1] ?? ''] ?? 'application/octet-stream'
