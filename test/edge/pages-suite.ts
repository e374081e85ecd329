// Static pages over HTTP: the demo, and the script that pages of any origin load. They must have been built.

import { describe, expect, test } from 'vitest'

export interface ServingPages {
	readonly url: string
	/** Trust key that the edge signs with. */
	readonly trust: string
}

export function pagesSuite(edge: () => ServingPages): void {
	const get = (path: string, headers: Record<string, string> = {}) =>
		fetch(edge().url + path, { headers, signal: AbortSignal.timeout(30_000) })

	/** May be loaded by a page of another origin, cross-origin isolated or not. */
	const expectForAnyOrigin = ({ headers }: Response) => {
		expect(headers.get('access-control-allow-origin')).toBe('*')
		expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
		expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp')
		expect(headers.get('x-content-type-options')).toBe('nosniff')
	}

	/** What is built into a script, with addresses made absolute. */
	function builtInto(script: string, address: string): { edge: string; assets: string; trust?: string[] } {
		const [, base64 = ''] = /atob\([`'"]([A-Za-z0-9+/=]+)[`'"]\)/.exec(script) ?? []
		const { edge: at, assets, ...others } = JSON.parse(atob(base64)) as { edge: string; assets: string; trust?: string[] }
		return { edge: new URL(at, address).href, assets: new URL(assets, address).href, ...others }
	}

	/** Path of the folder with the files of the build, as the script tells it. */
	const folder = async () => {
		const { assets } = builtInto(await (await get('/spillway.js')).text(), `${edge().url}/spillway.js`)
		return new URL(assets).pathname
	}

	describe('the script', () => {
		test('at /spillway.js has this edge, its key and the folder of its build built in', async () => {
			const response = await get('/spillway.js')
			expectForAnyOrigin(response)
			expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
			expect(builtInto(await response.text(), `${edge().url}/spillway.js`)).toEqual({
				edge: `${edge().url}/`,
				assets: expect.stringMatching(/\/spillway\/\d+\.\d+\.\d+-[0-9a-f]{10}\/$/),
				trust: [edge().trust],
			})
		})

		test('in the folder of its build has no key, and is for ever the same', async () => {
			const path = `${await folder()}spillway.js`
			const response = await get(path)
			expectForAnyOrigin(response)
			expect(response.headers.get('cache-control')).toContain('immutable')
			expect(builtInto(await response.text(), edge().url + path)).toEqual({ edge: `${edge().url}/`, assets: edge().url + (await folder()) })
		})

		test('is not there under the address of another build, nor is what it loads', async () => {
			for (const build of ['0.0.0-none', (await folder()).split(/[/-]/)[2]])
				for (const file of ['spillway.js', 'engine.js']) expect((await get(`/spillway/${build}/${file}`)).status).toBe(404)
		})

		test('is asked about again, and soon, so that a new key reaches pages', async () => {
			const response = await get('/spillway.js')
			expect(response.headers.get('cache-control')).toBe('public, max-age=300')
			expect((await get('/spillway.js', { 'if-none-match': response.headers.get('etag') ?? '' })).status).toBe(304)
		})

		test.each([
			['edge.js', 'text/javascript; charset=utf-8'],
			['engine.js', 'text/javascript; charset=utf-8'],
			['session.js', 'text/javascript; charset=utf-8'],
			['start.js', 'text/javascript; charset=utf-8'],
			['gpu-jspi.js', 'text/javascript; charset=utf-8'],
			['gpu-asyncify.js', 'text/javascript; charset=utf-8'],
			['tabs.js', 'text/javascript; charset=utf-8'],
			['telemetry.js', 'text/javascript; charset=utf-8'],
			['ort-wasm-simd-threaded.wasm', 'application/wasm'],
			['ort-wasm-simd-threaded.jspi.wasm', 'application/wasm'],
			['ort-wasm-simd-threaded.asyncify.wasm', 'application/wasm'],
		])('finds %s beside it, for ever the same', async (name, type) => {
			const response = await get((await folder()) + name)
			expectForAnyOrigin(response)
			expect(response.headers.get('content-type')).toBe(type)
			expect(response.headers.get('cache-control')).toContain('immutable')
			const plain = new Uint8Array(await response.arrayBuffer())
			expect(plain.byteLength).toBeGreaterThan(1000)
			expect(response.headers.get('content-encoding')).toBeNull()
			await expectSmaller((await folder()) + name, plain)
		})
	})

	/** To whoever accepts it, the same is sent in brotli: at most half of it. */
	async function expectSmaller(path: string, plain: Uint8Array): Promise<void> {
		const brotli = { 'accept-encoding': 'br' }
		const response = await get(path, brotli)
		expect([response.headers.get('content-encoding'), response.headers.get('vary')]).toEqual(['br', 'Accept-Encoding'])
		expect(Number(response.headers.get('content-length'))).toBeLessThan(plain.byteLength / 2)
		expect(Buffer.compare(new Uint8Array(await response.arrayBuffer()), plain)).toBe(0)
		const etag = response.headers.get('etag')
		// Where static files have no validators: workerd without Cloudflare.
		if (etag === null) return
		const again = await get(path, { ...brotli, 'if-none-match': etag })
		expect([again.status, again.headers.get('vary')]).toEqual([304, 'Accept-Encoding'])
	}

	test('the script, the demo and the documentation are sent compressed to whoever accepts it', async () => {
		for (const path of ['/spillway.js', '/', '/docs/swagger-ui-bundle.js'])
			await expectSmaller(path, new Uint8Array(await (await get(path)).arrayBuffer()))
	})

	describe('the demo', () => {
		test('stands at /, isolated, and is asked about each time', async () => {
			const response = await get('/')
			expect(response.status).toBe(200)
			expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
			expect(response.headers.get('cache-control')).toBe('no-cache')
			expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin')
			expect(response.headers.get('cross-origin-embedder-policy')).toBe('require-corp')
			expect(await response.text()).toMatch(/^<!doctype html>/i)
		})

		test('keeps what is named by its content', async () => {
			const [, asset] = /(assets\/[^"']+\.js)/.exec(await (await get('/')).text()) ?? []
			const response = await get(`/${asset}`)
			expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
			expect(response.headers.get('cache-control')).toContain('immutable')
			await response.body?.cancel()
		})

		test('can be installed', async () => {
			expect((await get('/app.webmanifest')).headers.get('content-type')).toBe('application/manifest+json')
		})
	})

	test('the documentation of the API needs nothing from elsewhere', async () => {
		const page = await (await get('/docs')).text()
		for (const [, address] of page.matchAll(/(?:src|href)="(\/[^"]+)"/g)) expect((await get(address as string)).status, address).toBe(200)
	})
}
