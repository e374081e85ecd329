// The page for everyone: small screens, keyboards, screen readers, either colour scheme, no motion.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { getBrowser } from '../browser/launch.ts'
import { ask, openDesk, state } from './desk.ts'
import { openShop, type Shop } from './shop.ts'

declare global {
	interface Window {
		axe: typeof axe
	}
}

const rules = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const phone = { width: 360, height: 740 }
const desktop = { width: 1280, height: 800 }

let browser: Browser
let shop: Shop

beforeAll(async () => {
	browser = await getBrowser()
	shop = await openShop()
})

/** Under edge-only the page shows all that it can show without loading a model. */
async function open(options: BrowserContextOptions, policy = 'edge-only'): Promise<Page> {
	const page = await openDesk(await browser.newContext(options), shop.origin, policy)
	await page.waitForSelector(policy === 'edge-only' ? '#state[data-phase=edge]' : '#state[data-phase=loading]')
	return page
}

/** What axe finds, shortly. */
async function faults(page: Page): Promise<string[]> {
	// Colours that are on their way to others are no fault.
	await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)))
	await page.evaluate(rules)
	const { violations } = await page.evaluate(() => window.axe.run())
	return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))
}

const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

for (const colorScheme of ['light', 'dark'] as const)
	for (const viewport of [phone, desktop])
		test(`no fault that axe knows, ${colorScheme}, ${viewport.width} pixels wide`, async () => {
			const page = await open({ colorScheme, viewport, reducedMotion: 'reduce' })
			expect(await faults(page)).toEqual([])
			await ask(page, 'there is a nail in my tyre')
			await page.click('.technical summary')
			await page.locator('.alternatives summary').first().click()
			await page.locator('.topic summary').first().click()
			expect(await faults(page)).toEqual([])
			await ask(page, 'do you sell kayaks')
			expect(await faults(page)).toEqual([])
			await page.route('**/v1/**', (route) => route.abort())
			expect((await ask(page, 'unsubscribe')).heading).toBe('Our edge cannot be reached')
			await page.evaluate(() => document.querySelector('#update')?.removeAttribute('hidden'))
			expect(await faults(page)).toEqual([])
			await page.context().close()
		})

test('no fault that axe knows while the model loads', async () => {
	shop.hold(/^\/models\/chunks\//)
	const page = await open({ viewport: phone, reducedMotion: 'reduce' }, 'prefer-device')
	await page.waitForFunction(() => document.querySelector('#state-bytes')?.textContent !== '')
	expect(await faults(page)).toEqual([])
	expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
	shop.release()
	await page.context().close()
})

for (const width of [320, 360])
	test(`nothing sticks out of a screen ${width} pixels wide`, async () => {
		const page = await open({ viewport: { width, height: 640 } })
		expect(await overflow(page)).toBe(0)
		await ask(page, 'I ordered the wrong colour helmet ten minutes ago, Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen')
		await page.click('.technical summary')
		for (const summary of await page.locator('.topic summary').all()) await summary.click()
		expect(await overflow(page)).toBe(0)
		await page.context().close()
	})

describe('with the keyboard alone', () => {
	test('everything can be reached, and shows where it is', async () => {
		const page = await open({ viewport: desktop })
		const stops: string[] = []
		for (let count = 0; count < 9; count++) {
			await page.keyboard.press('Tab')
			const stop = await page.evaluate(() => {
				const element = document.activeElement as HTMLElement
				const shown = element.id === 'question' ? (element.parentElement as HTMLElement) : element
				return `${element.id || element.textContent?.trim() || element.getAttribute('value')} ${getComputedStyle(shown).outlineStyle}`
			})
			stops.push(stop)
		}
		expect(stops).toEqual([
			'Skip to the question solid',
			expect.stringMatching(/^Weir & Wheel solid$/),
			'All topics solid',
			'Contact solid',
			'question solid',
			'Ask solid',
			'there is a nail in my tyre solid',
			'I am 178 cm tall, which frame? solid',
			'can my e-bike get wet? solid',
		])
		await page.context().close()
	})

	test('arrows move the switch', async () => {
		const page = await open({ viewport: desktop })
		await page.focus('input[value=edge-only]')
		await page.keyboard.press('ArrowUp')
		expect(await page.isChecked('input[value=device-only]')).toBe(true)
		await page.waitForFunction(() => document.querySelector('#state')?.getAttribute('data-phase') !== 'edge')
		expect(await state(page)).toContain('stays on this device')
		await page.context().close()
	})
})

test('screen readers are told the answer and where it was made, once', async () => {
	const page = await open({ viewport: desktop })
	await ask(page, 'there is a nail in my tyre')
	expect(await page.textContent('#announce[role=status]')).toMatch(
		/^How do I fix a puncture\? Take the wheel out, .* Our edge answered in [\d.,]+ m?s\.$/,
	)
	await page.context().close()
})

test('without JavaScript all topics can be read', async () => {
	const context = await browser.newContext({ javaScriptEnabled: false })
	const page = await context.newPage()
	await page.goto(shop.origin)
	expect(await page.locator('.topic dt').count()).toBeGreaterThanOrEqual(40)
	expect(await page.innerText('body')).toContain('The search needs JavaScript')
	await context.close()
})
