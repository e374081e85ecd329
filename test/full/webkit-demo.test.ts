// The help desk in WebKitGTK: the model loads, this device answers, and goes on when the server is gone.

import { beforeAll, describe, expect, test } from 'vitest'
import { openShop, type Shop } from '../demo/shop.ts'
import { atEnd } from '../fixtures/at-end.ts'
import type { BrowserUnderTest } from './tab.ts'
import { launchWebkit } from './webkit.ts'

const driver = process.env.TEST_WEBKIT

describe.skipIf(!driver)('WebKitGTK', () => {
	let webkit: BrowserUnderTest
	let shop: Shop
	beforeAll(async () => {
		shop = await openShop()
		webkit = await launchWebkit(driver ?? '')
		atEnd(webkit.close)
		await webkit.open(shop.origin)
	})

	/** Waits in the page until an expression holds. */
	const until = (expression: string) => webkit.evaluate(`while (!(${expression})) await new Promise((next) => setTimeout(next, 50))`)
	const ready = () => until(`document.querySelector('#state[data-phase=ready]')`)
	/** Whether page and model work without a network, as the page says. */
	const kept = () => until(`document.querySelector('#offline-text').textContent.includes('without a network')`)

	/** Asks, and gives heading and route of the answer. */
	async function ask(question: string): Promise<{ heading: string; route: string }> {
		await webkit.evaluate(`
			document.querySelector('#question').value = ${JSON.stringify(question)}
			document.querySelector('#ask').requestSubmit()
		`)
		await until(
			`document.querySelector('.asked q')?.textContent === ${JSON.stringify(question)} && !document.querySelector('#answer').hasAttribute('aria-busy')`,
		)
		return webkit.evaluate(`
			const text = (selector) => document.querySelector(selector)?.innerText ?? ''
			return { heading: text('#answer h2'), route: text('#route') }
		`)
	}

	test('the model loads, and this device answers', async () => {
		await ready()
		const { heading, route } = await ask('there is a nail in my tyre')
		expect(heading).toBe('How do I fix a puncture?')
		expect(route).toContain('This device answered in')
	})

	test('a second visit fetches neither page nor model', async () => {
		await kept()
		const before = shop.asked.length
		await webkit.open(shop.origin)
		await ready()
		const asked = shop.asked.slice(before)
		expect(asked.filter((path) => /^\/(models\/chunks|assets)\//.test(path))).toEqual([])
		expect(asked).not.toContain('/')
	})

	test('with the server gone the page opens, and this device answers', async () => {
		shop.shut()
		await webkit.open(shop.origin)
		await ready()
		const { heading, route } = await ask('what psi for 28 mm tires')
		expect(heading).toBe('How hard should I pump my tyres?')
		expect(route).toContain('This device answered in')
	})
})
