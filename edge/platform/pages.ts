// Static pages: the demo, the script for pages of any origin, and the files of the API's documentation.

import { Hono } from 'hono'
import { digestOf } from '../../models/format/digest.ts'
import type { Files } from '../catalog/files.ts'
import { immutable, respond, revalidate } from '../catalog/respond.ts'

export interface PagesOptions {
	/** The demo, served at `/`. */
	demo: Files
	/** `spillway.js` and what it loads, served at `/spillway/<version>/`. */
	script: Files
	/** Swagger UI's files, served at `/docs/`. */
	docs: Files
	/** Version of the package. */
	version: string
	/** Trust keys that are built into the script; without one, the script asks this edge for them. */
	keys: readonly string[]
	/** Publishable key that the demo's page calls this edge with; without it, the demo stays on the device. */
	demoKey?: string | undefined
}

/** How long pages may use a script without asking: a fix or a new trust key reaches them within five minutes. */
const brief = 'public, max-age=300'

const entry = 'spillway.js'

/** Makes the routes. What is not there falls through to the application's 404. */
export function pages({ demo, script, docs, version, keys, demoKey }: PagesOptions): Hono {
	const app = new Hono()
	const entryAt = buildIn(script, keys)

	app.get(`/${entry}`, async (c) => {
		const found = await entryAt({ edge: './', assets: `./spillway/${version}/` }, c.req.raw)
		return found ? forAnyOrigin(found) : c.notFound()
	})
	app.get(`/spillway/:version/:file`, async (c) => {
		const { file } = c.req.param()
		if (c.req.param('version') !== version) return c.notFound()
		const found =
			file === entry ? await entryAt({ edge: '../../', assets: './' }, c.req.raw) : await serve(script, file, immutable, c.req.raw)
		return found ? forAnyOrigin(found) : c.notFound()
	})
	app.get('/docs/:file', async (c) => (await serve(docs, c.req.param('file'), brief, c.req.raw)) ?? c.notFound())
	if (demoKey !== undefined) app.get('/demo/config.json', (c) => c.json({ key: demoKey }, 200, { 'cache-control': 'no-store' }))
	app.get('/*', async (c) => {
		const path = c.req.path.slice(1) || 'index.html'
		// Vite names what it puts there by its content. The service worker may be used unasked for a while, so that a page that has just
		// looked for a new one (`demo/offline/register.ts`) can keep the browser from asking again.
		const cache = path.startsWith('assets/') ? immutable : path === 'service-worker.js' ? brief : revalidate
		const found = await serve(demo, path, cache, c.req.raw)
		return found ? isolated(found) : c.notFound()
	})
	return app
}

async function serve(files: Files, path: string, cache: string, request: Request): Promise<Response | null> {
	const found = await files.get(path, request.headers.get('if-none-match') ?? undefined)
	if (!found) return null
	const headers = new Headers({ 'cache-control': cache, 'x-content-type-options': 'nosniff' })
	for (const name of ['etag', 'content-length']) {
		const value = found.headers.get(name)
		if (value !== null) headers.set(name, value)
	}
	if (found.status === 200) headers.set('content-type', typeOf(path))
	return new Response(found.body, { status: found.status, headers })
}

/** Where the script finds things, relative to its own address. */
interface BuiltIn {
	edge: string
	assets: string
}

/** The script with this edge built into it: base64 JSON in the place of a word, as `runtime/page/script.ts` expects. */
function buildIn(script: Files, keys: readonly string[]) {
	const trust = keys.length > 0 ? { trust: keys } : {}
	return async (builtIn: BuiltIn, request: Request): Promise<Response | null> => {
		const found = await script.get(entry)
		if (!found) return null
		const text = (await found.text()).replace('__SPILLWAY_EDGE__', btoa(JSON.stringify({ ...builtIn, ...trust })))
		const bytes = new TextEncoder().encode(text)
		const response = respond(request, {
			size: bytes.byteLength,
			etag: `"${(await digestOf(bytes)).slice(0, 32)}"`,
			type: typeOf(entry),
			cache: brief,
			body: ({ start, end }) => bytes.subarray(start, end),
		})
		response.headers.set('x-content-type-options', 'nosniff')
		return response
	}
}

/**
 * Scripts, workers and wasm that pages of other origins load, cross-origin isolated or not: a worker's own script must allow embedding,
 * and ask for it in turn, before an isolated page may start it.
 */
function forAnyOrigin(response: Response): Response {
	response.headers.set('access-control-allow-origin', '*')
	response.headers.set('cross-origin-resource-policy', 'cross-origin')
	response.headers.set('cross-origin-embedder-policy', 'require-corp')
	return response
}

/** The demo loads nothing from elsewhere, and so can have what browsers give to isolated pages only. */
function isolated(response: Response): Response {
	response.headers.set('cross-origin-opener-policy', 'same-origin')
	response.headers.set('cross-origin-embedder-policy', 'require-corp')
	response.headers.set('cross-origin-resource-policy', 'same-origin')
	return response
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

const typeOf = (path: string): string => types[/\.([^./]+)$/.exec(path)?.[1] ?? ''] ?? 'application/octet-stream'
