// The help desk, as customers meet it.

import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { getBrowser } from '../browser/launch.ts'
import { ask, choose, openDesk, ready, said, state } from './desk.ts'
import { openShop, type Shop } from './shop.ts'

let browser: Browser
let shop: Shop

beforeAll(async () => {
	browser = await getBrowser()
	shop = await openShop()
})

describe('a first visit', () => {
	test('loads the model with a progress bar; this device then answers', async () => {
		shop.hold(/^\/models\/chunks\//)
		const context = await browser.newContext()
		const errors: string[] = []
		context.on('weberror', (error) => errors.push(error.error().message))
		const page = await openDesk(context, shop.origin)
		await page.waitForFunction(() => document.querySelector('#state-bytes')?.textContent?.match(/^[\d.]+ of [\d.]+ MB$/))
		expect(await page.isVisible('#progress')).toBe(true)
		expect(await state(page)).toContain('The model is loading. Until it is on this device, our edge answers')
		shop.release()
		await ready(page)
		expect(await page.isVisible('#progress')).toBe(false)

		const { heading, answer, route } = await ask(page, 'there is a nail in my tyre')
		expect(heading).toBe('How do I fix a puncture?')
		expect(answer).toMatch(/Take the wheel out.*\n+Match 0\.\d\d/s)
		expect(await page.locator('.alternatives details').count()).toBe(2)
		expect(route).toMatch(/This device answered in \d/)
		expect(route).toContain('your words were not sent')
		expect(route).toMatch(/Waiting\s+[\d.]+ ms\s+Computing\s+[\d.]+ ms/)
		expect(errors).toEqual([])
		await context.close()
	})

	test('while the model loads the edge answers, and the page says so', async () => {
		shop.hold(/^\/models\/chunks\//)
		const context = await browser.newContext()
		const page = await openDesk(context, shop.origin)
		const { heading, route } = await ask(page, 'please cancel my order')
		expect(heading).toBe('Can I change or cancel an order I have already placed?')
		expect(route).toMatch(/Our edge answered in/)
		expect(route).toContain('because the model was still loading here')
		expect(await state(page)).toContain('our edge answers')

		shop.release()
		await ready(page)
		expect((await ask(page, 'please cancel my order')).route).toContain('This device answered')
		await context.close()
	})

	test('under device-only sends nothing from ready on', async () => {
		const start = shop.asked.length
		const context = await browser.newContext()
		const page = await openDesk(context, shop.origin, 'device-only')
		await ready(page)
		const before = shop.asked.length
		for (let count = 0; count < 5; count++) expect((await ask(page, `where is order ${count}?`)).route).toContain('This device answered')
		await page.waitForTimeout(3000)
		expect(shop.asked.slice(before)).toEqual([])
		expect(shop.asked.slice(start)).not.toContain('/v1/tasks/embed')
		await context.close()
	})

	test('under edge-only loads no model', async () => {
		const before = shop.asked.length
		const context = await browser.newContext()
		const page = await openDesk(context, shop.origin, 'edge-only')
		const { route } = await ask(page, 'do you send things to Italy')
		expect(route).toContain('Our edge answered in')
		expect(route).toContain('because you chose answers from our edge only')
		expect(await state(page)).toContain('no model is loaded')
		expect(shop.asked.slice(before).filter((path) => path.startsWith('/models/'))).toEqual([])
		await context.close()
	})
})

test('an edge that gives the page no key answers nothing; the page then keeps to the device', async () => {
	shop.hold(/^\/models\/chunks\//)
	const context = await browser.newContext()
	await context.route('**/demo/config.json', (route) => route.fulfill({ status: 404 }))
	const page = await openDesk(context, shop.origin)
	await page.waitForSelector('#state[data-phase=loading]')
	expect(await state(page)).toContain('Your question waits for it and stays on this device.')
	await context.close()
	shop.release()
})

test('where the browser is asked to save data, nothing is downloaded before the customer says so', async () => {
	const before = shop.asked.length
	const context = await browser.newContext()
	const page = await openDesk(context, 'about:blank')
	const devtools = await context.newCDPSession(page)
	await devtools.send('Emulation.setDataSaverOverride', { dataSaverEnabled: true })
	await page.goto(shop.origin)
	await page.waitForSelector('#state[data-phase=held]')
	expect(await state(page)).toContain('Our edge answers')
	expect((await ask(page, 'please cancel my order')).route).toContain('Our edge answered')
	const large = /^\/(models\/chunks\/|assets\/ort-|service-worker)/
	expect(shop.asked.slice(before).filter((path) => large.test(path))).toEqual([])
	await page.click('text=Load it: 24 MB')
	await ready(page)
	expect((await ask(page, 'unsubscribe')).route).toContain('This device answered')
	// It is here now, and need not be asked for again.
	await page.reload()
	await ready(page)
	await context.close()
})

describe('a later visit', () => {
	/** Has been here before, with the model on the device. */
	const customer = {} as { context: BrowserContext; page: Page }
	beforeAll(async () => {
		customer.context = await browser.newContext()
		const page = await openDesk(customer.context, shop.origin)
		await ready(page)
		await page.waitForFunction(() => document.querySelector('#offline-text')?.textContent?.includes('without a network'))
		await page.close()
	})
	beforeEach(async () => {
		await customer.page?.close()
		customer.page = await openDesk(customer.context, shop.origin)
	})
	afterAll(() => customer.context.close())

	test('says clearly when nothing fits, and shows what comes nearest', async () => {
		const { page } = customer
		await ready(page)
		const { heading, answer } = await ask(page, 'how do I bake sourdough bread')
		expect(heading).toBe('Nothing here fits that')
		expect(answer).not.toContain('Match')
		expect(await page.locator('.alternatives details').count()).toBe(3)
	})

	test('shows an alternative’s answer when it is opened', async () => {
		const { page } = customer
		await ready(page)
		await ask(page, 'there is a nail in my tyre')
		const first = page.locator('.alternatives details').first()
		expect(await first.locator('p').isVisible()).toBe(false)
		await first.locator('summary').click()
		expect(await first.locator('p').isVisible()).toBe(true)
	})

	test('fetches neither page nor model again', async () => {
		const before = shop.asked.length
		await customer.page.reload()
		await ready(customer.page)
		const asked = shop.asked.slice(before)
		expect(asked.filter((path) => path.startsWith('/models/chunks/') || path.startsWith('/assets/'))).toEqual([])
		expect(asked).not.toContain('/')
	})

	test('under device-only sends nothing from ready on, though browsers look for a new service worker after each visit’s start', async () => {
		const page = await openDesk(customer.context, shop.origin, 'device-only')
		await ready(page)
		const before = shop.asked.length
		await ask(page, 'are you open on Sunday')
		await page.waitForTimeout(5000)
		expect(shop.asked.slice(before)).toEqual([])
		await page.evaluate(() => localStorage.clear())
		await page.close()
	})

	test('the switch takes hold at once, and is remembered', async () => {
		const { page } = customer
		await ready(page)
		await choose(page, 'edge-only')
		await page.waitForSelector('#state[data-phase=edge]')
		expect((await ask(page, 'unsubscribe')).route).toContain('because you chose answers from our edge only')
		await choose(page, 'device-only')
		await ready(page)
		expect((await ask(page, 'unsubscribe')).route).toMatch(/This device answered in .* Nothing was sent, as you asked/)
		await page.reload()
		expect(await page.isChecked('input[value=device-only]')).toBe(true)
		await choose(page, 'prefer-device')
		await ready(page)
	})

	test('a question under way moves with the switch', async () => {
		const { page } = customer
		await ready(page)
		await choose(page, 'edge-only')
		await page.waitForSelector('#state[data-phase=edge]')
		shop.hold(/^\/v1\//)
		await page.fill('#question', 'unsubscribe')
		await page.press('#question', 'Enter')
		await choose(page, 'device-only')
		expect((await said(page, 'unsubscribe')).heading).toBe('How do I unsubscribe from your emails?')
		shop.release()
		await choose(page, 'prefer-device')
		await ready(page)
	})

	test('the service worker keeps the page’s files and nothing of models and answers', async () => {
		const { page } = customer
		await ready(page)
		const kept = await page.evaluate(async () => {
			const names = (await caches.keys()).filter((name) => name.startsWith('workbox'))
			const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
			return requests.flat().map(({ url }) => new URL(url).pathname)
		})
		expect(kept).toContain('/index.html')
		expect(kept.filter((path) => path.endsWith('.wasm'))).toHaveLength(1)
		expect(kept.filter((path) => !/^\/(index\.html|app\.webmanifest|assets\/.*|icons\/.*)$/.test(path))).toEqual([])
	})

	test('offers a new version of the page, and takes it when told to', async () => {
		await ready(customer.page)
		await appendFile(join(shop.page, 'service-worker.js'), '\n// A newer version.\n')
		await rm(join(shop.page, 'service-worker.js.br'))
		const { page } = customer
		await page.reload()
		await page.waitForSelector('#update:not([hidden])')
		expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting?.state)).toBe('installed')
		await page.click('#update-later')
		expect(await page.isVisible('#update')).toBe(false)

		await page.reload()
		await page.waitForSelector('#update:not([hidden])')
		await Promise.all([page.waitForEvent('load'), page.click('#update-now')])
		await ready(page)
		await expect.poll(() => page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting ?? null)).toBe(null)
	})
})
