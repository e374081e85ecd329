// The help desk as an installed app: it opens and answers with its server stopped and the browser started anew.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { flags } from '../browser/flags.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { findChromium } from '../setup/chromium.mjs'
import { ask, choose, openDesk, ready, said } from './desk.ts'
import { openShop, type Shop } from './shop.ts'

let profile: string
let shop: Shop
let context: BrowserContext
let page: Page

/** Starts the browser with a profile that lasts: those of other tests count as incognito, where nothing can be installed. */
async function startBrowser(): Promise<void> {
	context = await chromium.launchPersistentContext(profile, { executablePath: await findChromium(), args: [...flags] })
	atEnd(() => context.close())
}

const kept = () => page.waitForFunction(() => document.querySelector('#offline-text')?.textContent?.includes('without a network'))

beforeAll(async () => {
	profile = await mkdtemp(join(tmpdir(), 'spillway-profile-'))
	atEnd(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }))
	shop = await openShop()
	await startBrowser()
	page = await openDesk(context, shop.origin)
})

test('each file of the page and each chunk of the model is fetched once, for the page and for its service worker', async () => {
	await ready(page)
	await kept()
	const asked = shop.asked.filter((path) => /^\/(assets|models\/(chunks|manifests))\//.test(path))
	expect(asked.filter((path, at) => asked.indexOf(path) !== at)).toEqual([])
})

test('the page can be installed as an app', async () => {
	const devtools = await context.newCDPSession(page)
	expect(await devtools.send('Page.getInstallabilityErrors')).toEqual({ installabilityErrors: [] })
	const { errors, data } = await devtools.send('Page.getAppManifest')
	expect(errors).toEqual([])
	const { icons } = JSON.parse(data ?? '{}') as { icons: { src: string; purpose: string }[] }
	expect(icons.map(({ purpose }) => purpose)).toContain('maskable')
	for (const { src } of icons) expect((await page.request.get(shop.origin + src)).status()).toBe(200)
	await page.waitForSelector('#install:not([hidden])')
})

describe('with the server stopped and the browser started anew', () => {
	beforeAll(async () => {
		await context.close()
		shop.shut()
		await startBrowser()
		page = await openDesk(context, shop.origin)
	})

	test('the page opens, the model is there, and this device answers', async () => {
		await ready(page)
		const { heading, route } = await ask(page, 'what psi for 28 mm tires')
		expect(heading).toBe('How hard should I pump my tyres?')
		expect(route).toContain('This device answered in')
		await kept()
	})

	test('a question for the edge ends in a clear word, and this device takes it over when told to', async () => {
		await choose(page, 'edge-only')
		await page.waitForSelector('#state[data-phase=edge]')
		const { heading, route } = await ask(page, 'reset my password')
		expect(heading).toBe('Our edge cannot be reached')
		expect(route).toBe('')
		await page.click('text=Use this device')
		const answer = await said(page, 'reset my password')
		expect(answer.heading).toBe('I forgot my password and cannot log in.')
		expect(answer.route).toContain('This device answered')
	})
})
