// Builds the service worker beside a page that was just built, and writes into it what it has to keep.

import { join } from 'node:path'
import { build } from 'vite'
import { injectManifest } from 'workbox-build'

/** Larger than ONNX Runtime's wasm, the largest file of the page. */
const largestFile = 32 * 1024 * 1024

/**
 * Writes `service-worker.js`.
 *
 * @param page folder of the built page.
 */
export async function buildServiceWorker(page: string): Promise<void> {
	const name = 'service-worker.js'
	await build({
		configFile: false,
		logLevel: 'warn',
		publicDir: false,
		define: { 'process.env.NODE_ENV': '"production"' },
		build: {
			outDir: page,
			emptyOutDir: false,
			target: 'es2023',
			lib: { entry: join(import.meta.dirname, 'service-worker.ts'), formats: ['es'], fileName: () => name },
		},
	})
	await injectManifest({
		swSrc: join(page, name),
		swDest: join(page, name),
		globDirectory: page,
		globPatterns: ['index.html', 'app.webmanifest', 'assets/*', 'icons/*'],
		// The bundler puts a hash of the content into these names.
		dontCacheBustURLsMatching: /^assets\//,
		maximumFileSizeToCacheInBytes: largestFile,
	})
}
