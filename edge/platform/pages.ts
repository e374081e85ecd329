// Static pages: the demo, the script for pages of any origin, and the files of the API's documentation.

import { brotliCompress, constants } from 'node:zlib'
import { Hono } from 'hono'
import { digestOf } from '../../models/format/digest.ts'
import { takesBrotli } from '../catalog/encoding.ts'
import type { Files } from '../catalog/files.ts'
import { immutable, respond, revalidate } from '../catalog/respond.ts'
import { serveFile, typeOf } from './static.ts'

export interface PagesOptions {
	/** The demo, served at `/`. */
	demo: Files
	/** `spillway.js` and what it loads, served at `/spillway/<build>/`. */
	script: Files
	/** Swagger UI's files, served at `/docs/`. */
	docs: Files
	/** Trust keys that are built into the script; without one, the script asks this edge for them. */
	keys: readonly string[]
	/** Publishable key that the demo's page calls this edge with; without it, the demo stays on the device. */
	demoKey?: string | undefined
}

/** How long pages may use a script without asking: a fix or a new trust key reaches them within five minutes. */
const brief = 'public, max-age=300'

const entry = 'spillway.js'

/** Makes the routes. What is not there falls through to the application's 404. */
export function pages({ demo, script, docs, keys, demoKey }: PagesOptions): Hono {
	const app = new Hono()
	app.get(`/${entry}`, async (c) => {
		const text = await readEntry(script)
		if (text === null) return c.notFound()
		const trust = keys.length > 0 ? { trust: keys } : {}
		return forAnyOrigin(await builtIn(text, { edge: './', assets: `./spillway/${buildOf(text)}/`, ...trust }, brief, c.req.raw))
	})
	// Files that belong together, under an address that is another after each build. The script there has no keys built in, so that it, too, stays
	// the same as long as its address does: pages can hold it to its digest.
	app.get('/spillway/:build/:file', async (c) => {
		const { build, file } = c.req.param()
		const text = await readEntry(script)
		if (text === null || build !== buildOf(text)) return c.notFound()
		if (file === entry) return forAnyOrigin(await builtIn(text, { edge: '../../', assets: './' }, immutable, c.req.raw))
		const found = await serveFile(script, file, immutable, c.req.raw)
		return found ? forAnyOrigin(found) : c.notFound()
	})
	app.get('/docs/:file', async (c) => (await serveFile(docs, c.req.param('file'), brief, c.req.raw)) ?? c.notFound())
	if (demoKey !== undefined) app.get('/demo/config.json', (c) => c.json({ key: demoKey }, 200, { 'cache-control': 'no-store' }))
	app.get('/*', async (c) => {
		const path = c.req.path.slice(1) || 'index.html'
		// Vite names what it puts there by its content. The service worker may be used unasked for a while, so that a page that has just
		// looked for a new one (`demo/offline/register.ts`) can keep the browser from asking again.
		const cache = path.startsWith('assets/') ? immutable : path === 'service-worker.js' ? brief : revalidate
		const found = await serveFile(demo, path, cache, c.req.raw)
		return found ? isolated(found) : c.notFound()
	})
	return app
}

/** What a script finds built in; addresses are relative to its own. */
interface BuiltIn {
	edge: string
	assets: string
	trust?: readonly string[]
}

async function readEntry(script: Files): Promise<string | null> {
	const found = await script.get(entry)
	return found ? found.text() : null
}

/** The script begins with it. */
const buildOf = (text: string): string | undefined => /^\/\*! spillway (\S+) \*\//.exec(text)?.[1]

/** The script with this edge built into it: base64 JSON in the place of a word, as `runtime/page/script.ts` expects. */
async function builtIn(text: string, what: BuiltIn, cache: string, request: Request): Promise<Response> {
	const plain = new TextEncoder().encode(text.replace('__SPILLWAY_EDGE__', btoa(JSON.stringify(what))))
	const encoding = takesBrotli(request) ? 'br' : null
	const bytes = encoding ? await packed(plain) : plain
	const response = respond(request, {
		size: bytes.byteLength,
		etag: `"${(await digestOf(bytes)).slice(0, 32)}"`,
		type: typeOf(entry),
		cache,
		encoding,
		body: ({ start, end }) => bytes.subarray(start, end),
	})
	response.headers.set('x-content-type-options', 'nosniff')
	return response
}

const packed = (bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> =>
	new Promise((resolve, reject) => {
		brotliCompress(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }, (error, smaller) =>
			error ? reject(error) : resolve(smaller as Uint8Array<ArrayBuffer>),
		)
	})

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
