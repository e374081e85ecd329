// Delivery into a real browser whose clock is wrong, or whose models were signed by one that was.

import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { channel, engineOf, ever, mend, open, outcome, shifted, spoilSome } from './delivery-visit.ts'

const year = 365 * 24 * 60 * 60

describe('clocks', () => {
	/** Serves the channel of another time, and sets the engine's clock to another. */
	async function atAnotherTime(page: Page, signed: number, clock: number): Promise<void> {
		const text = await shifted(signed)
		spoilSome(channel, ever, (response, path) => (path.includes('tiny-text') ? response.end(text) : response.writeHead(404).end()))
		// The engine is there when it has been asked for anything.
		await page.evaluate(() => window.errorOf(window.runtime.model('nothing').ready()))
		await engineOf(page).evaluate((by) => {
			const now = Date.now
			Date.now = () => now() + by
		}, clock * 1000)
	}

	test.each<[what: string, first: string, signed: number, clock: number]>([
		['a channel that expired a year ago', 'channel-expired', -2 * year, 0],
		['a channel from a year ahead', 'works', year, 0],
		['a clock a year ahead', 'channel-expired', 0, year],
		['a clock a year behind', 'works', 0, -year],
	])('%s: on the first visit %s, and what is there goes on', async (_, first, signed, clock) => {
		const page = await open()
		await atAnotherTime(page, signed, clock)
		expect(await outcome(page)).toMatchObject({ end: first })

		mend()
		if (first !== 'works') expect(await outcome(await open())).toMatchObject({ end: 'works' })
		const again = await open()
		await atAnotherTime(again, signed, clock)
		expect(await outcome(again)).toMatchObject({ end: 'works' })
	})
})
