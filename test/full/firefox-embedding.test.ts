// Firefox: files of another origin are held to their build, where scripts without integrity are refused; and a private window.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Models, packModels } from '../browser/models.ts'
import { scriptFolder } from '../browser/page.ts'
import { type Site, serveSite } from '../browser/site.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { launchFirefox } from './firefox.ts'
import type { BrowserUnderTest } from './tab.ts'

const executable = process.env.TEST_FIREFOX

describe.skipIf(!executable).each([
	['an ordinary window', {}],
	['a private window', { 'browser.privatebrowsing.autostart': true }],
])('Firefox, %s', (_, preferences) => {
	let firefox: BrowserUnderTest
	let models: Models
	/** Another origin, with script and models. */
	let host: Site
	let shop: Site

	beforeAll(async () => {
		models = await packModels()
		host = await serveSite({ mounts: { '/spillway/': `${scriptFolder}/`, '/models/': `${models.folder}/` } })
		const text = `<!doctype html><title>shop</title><script src="${host.origin}/spillway/spillway.js"></script>`
		shop = await serveSite({ mounts: { '/': { text } } })
		firefox = await launchFirefox(executable ?? '', preferences)
		afterAll(() => firefox.close())
	})
	beforeEach(() => {
		host.fault = undefined
	})

	/** Opens the page anew, and loads a model there. */
	async function use() {
		await firefox.open(shop.origin)
		return firefox.evaluate<{ error?: { code: string; message: string }; vector?: number[]; executor?: string; storage?: string }>(`
			const runtime = spillway.createRuntime({ models: '${host.origin}/models/', trust: ${JSON.stringify(models.trust)} })
			try {
				const model = await runtime.load('tiny-text')
				const { vectors, ran } = await model.embed(['hello world'])
				return { vector: [...vectors[0]], executor: ran.executor, storage: (await runtime.storage.estimate()).kind }
			} catch ({ code, message }) {
				return { error: { code, message } }
			} finally {
				await runtime.dispose()
			}
		`)
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
