// A page with the built runtime in it.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import type * as Spillway from '../../runtime/index.ts'
import type { Models } from './models.ts'
import { type Site, type SiteOptions, serveSite } from './site.ts'

declare global {
	interface Window {
		spillway: typeof Spillway
		/** Made by the test. */
		runtime: Spillway.Runtime
		model: Spillway.Model
		/** What is left of an error when it leaves the page. */
		errorOf(promise: Promise<unknown>): Promise<Pick<Spillway.SpillwayError, 'name' | 'code' | 'message'> | 'none'>
	}
}

const root = join(import.meta.dirname, '../..')

/** Folder with the ES module, the workers and ONNX Runtime's wasm. */
export const runtimeFolder = join(root, 'dist/runtime')
/** Folder with the script tag's file, and the same beside it. */
export const scriptFolder = join(root, 'dist/script')

/** The build that stands in these folders. */
export const builtAs = async (): Promise<string> =>
	/^\/\*! spillway (\S+) \*\//.exec(await readFile(join(scriptFolder, 'spillway.js'), 'utf8'))?.[1] ?? ''

/** A page that puts the module under `window.spillway`. */
export const pageHtml = `<!doctype html><title>test</title><link rel="icon" href="data:,">
<script type="module">
	import * as spillway from '/spillway/spillway.js'
	window.spillway = spillway
	window.errorOf = (promise) => promise.then(() => 'none', ({ name, code, message }) => ({ name, code, message }))
</script>`

/** A plain static host: one page, the built runtime, packed models. */
export const staticHost = (models: Pick<Models, 'folder'>, options: Partial<SiteOptions> = {}): Promise<Site> =>
	serveSite({
		...options,
		mounts: { '/': { text: pageHtml }, '/spillway/': `${runtimeFolder}/`, '/models/': `${models.folder}/`, ...options.mounts },
	})

/**
 * Opens the site's page in a profile of its own.
 *
 * @param before prepares the page before it is loaded.
 */
export async function openPage(browser: Browser, site: Site, before: (page: Page) => Promise<unknown> = async () => {}): Promise<Page> {
	const context = await browser.newContext()
	const page = await context.newPage()
	if (process.env.SPILLWAY_TEST_LOG) {
		page.on('console', (message) => console.error('page:', message.text()))
		page.on('requestfailed', (request) => console.error('failed:', request.url()))
	}
	await before(page)
	await page.goto(site.origin)
	await page.waitForFunction(() => 'spillway' in window)
	return page
}

/**
 * Keeps the page's session worker busy with nothing for so many milliseconds, from now on.
 *
 * @param script of that worker.
 */
export async function blockSession(page: Page, milliseconds: number, script = 'session.js'): Promise<void> {
	const session = page.workers().find((one) => one.url().endsWith(script))
	if (!session) throw new Error('no session worker')
	// Later, so that this here settles before.
	await session.evaluate((milliseconds) => {
		setTimeout(() => {
			const end = Date.now() + milliseconds
			while (Date.now() < end);
		})
	}, milliseconds)
}

/** For the executor contract: calls that come now are not answered for a while. */
export async function holdSession(page: Page, script?: string): Promise<() => void> {
	await blockSession(page, 500, script)
	return () => {}
}
