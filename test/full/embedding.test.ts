// Firefox, its private windows and WebKitGTK: the device answers from files of another origin, and those are held to their build.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Models, packModels } from '../browser/models.ts'
import { scriptFolder } from '../browser/page.ts'
import { type Site, serveSite } from '../browser/site.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { launchFirefox } from './firefox.ts'
import type { BrowserUnderTest } from './tab.ts'
import { launchWebkit } from './webkit.ts'

interface Used {
	error?: { code: string; message: string }
	vector?: number[]
	executor?: string
	storage?: string
}

const { TEST_FIREFOX: firefox, TEST_WEBKIT: webkit } = process.env
const isPrivate = { 'browser.privatebrowsing.autostart': true }

const browsers: [name: string, program: string | undefined, launch: (program: string) => Promise<BrowserUnderTest>][] = [
	['Firefox', firefox, launchFirefox],
	['Firefox, a private window', firefox, (program) => launchFirefox(program, isPrivate)],
	['WebKitGTK', webkit, launchWebkit],
]

for (const [name, program, launch] of browsers)
	describe.skipIf(!program)(name, () => {
		let browser: BrowserUnderTest
		let models: Models
		/** Another origin, with script and models. */
		let host: Site
		let shop: Site

		beforeAll(async () => {
			models = await packModels()
			host = await serveSite({ mounts: { '/spillway/': `${scriptFolder}/`, '/models/': `${models.folder}/` } })
			const text = `<!doctype html><title>shop</title><script src="${host.origin}/spillway/spillway.js"></script>`
			shop = await serveSite({ mounts: { '/': { text } } })
			browser = await launch(program ?? '')
			atEnd(() => browser.close())
		})
		beforeEach(() => {
			host.fault = undefined
		})

		/** Opens the page anew, and loads a model there. */
		async function use(): Promise<Used> {
			await browser.open(shop.origin)
			const used = await browser.evaluate<Used | null>(`
			const late = new Promise((resolve) => setTimeout(resolve, 20_000, null))
			const runtime = spillway.createRuntime({ models: '${host.origin}/models/', trust: ${JSON.stringify(models.trust)} })
			const answer = async () => {
				try {
					const model = await runtime.load('tiny-text')
					const { vectors, ran } = await model.embed(['hello world'])
					return { vector: [...vectors[0]], executor: ran.executor, storage: (await runtime.storage.estimate()).kind }
				} catch ({ code, message }) {
					return { error: { code, message } }
				} finally {
					await runtime.dispose()
				}
			}
			return Promise.race([answer(), late])
		`)
			// Firefox ESR 153 under WebDriver BiDi, and only there: one worker in a hundred that starts another hangs in `new Worker`.
			return used ?? use()
		}

		const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

		test('the device answers', async () => {
			const { vector, executor, storage } = await use()
			console.log(`models are kept in: ${storage}`)
			expect({ vector, executor }).toEqual({ vector: hello, executor: 'device' })
		})

		test.each(['start.js', 'engine.js', 'session.js'])(
			'a changed %s is not run, which is said, and no harm when it is right again',
			async (file) => {
				host.fault = (path, response) => {
					if (path !== `/spillway/${file}`) return false
					response.setHeader('content-type', 'text/javascript')
					readFile(join(scriptFolder, file)).then((bytes) => response.end(Buffer.concat([bytes, Buffer.from('\n')])))
					return true
				}
				expect(await use()).toEqual({
					error: { code: 'integrity', message: expect.stringContaining(`/spillway/${file} is not the file of this build`) },
				})
				host.fault = undefined
				expect(await use()).toMatchObject({ vector: hello })
			},
		)
	})
