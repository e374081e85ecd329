// Nothing is delivered twice: neither to several tabs, nor at the next visit, nor after a load that was given up.

import { beforeAll, describe, expect, test } from 'vitest'
import type { Progress } from '../../runtime/index.ts'
import { addBig, bigSize } from './delivery-site.ts'
import { delivery, models, open, outcome } from './delivery-visit.ts'

declare global {
	interface Window {
		/** Made by the test. */
		life: AbortController
	}
}

beforeAll(() => addBig(models))

describe('never twice', () => {
	test('five tabs opened at once fetch the model once; the next visit fetches none of it', async () => {
		const before = delivery.site.asked.length
		const pages = await Promise.all(Array.from({ length: 5 }, () => open()))
		delivery.pause = 1
		const ends = await Promise.all(pages.map((page) => outcome(page, 'big-text')))
		expect(ends.map(({ end }) => end)).toEqual(Array(5).fill('works'))
		expect(delivery.sent).toBeGreaterThan(bigSize * 0.99)
		expect(delivery.sent).toBeLessThanOrEqual(bigSize)
		expect(new Set(delivery.chunks).size).toBe(delivery.chunks.length)
		const wasm = () => delivery.site.asked.slice(before).filter((path) => path.endsWith('.wasm')).length
		expect(wasm()).toBe(1)

		await Promise.all(pages.map((page) => page.close()))
		const asked = delivery.site.asked.length
		expect(await outcome(await open(), 'big-text')).toMatchObject({ end: 'works' })
		expect(delivery.site.asked.slice(asked).filter((path) => /models\/|wasm/.test(path))).toEqual(['/models/big-text/channel.jws'])
	})

	test('a load that is given up goes on where it stopped; progress tells how much was there, and how long the rest will take', async () => {
		const page = await open()
		delivery.pause = 20
		const given = page.evaluate(() => {
			window.life = new AbortController()
			return window.errorOf(window.runtime.model('big-text').ready({ signal: window.life.signal }))
		})
		delivery.onSent = () => {
			if (delivery.sent < bigSize / 2) return
			delivery.onSent = undefined
			page.evaluate(() => window.life.abort('enough'))
		}
		expect(await given).toMatchObject({ code: 'aborted' })
		delivery.pause = 40
		const progress = await page.evaluate(async () => {
			const told: Progress[] = []
			await window.runtime.load('big-text', { onProgress: (one) => told.push(one) })
			return told
		})
		expect(delivery.sent).toBeLessThanOrEqual(bigSize + 4 * 2 ** 20)
		const last = progress.at(-1) as Progress
		expect(last).toMatchObject({ phase: 'ready', loaded: last.total, left: null })
		expect(last.stored).toBeGreaterThan(2 ** 20)
		expect(progress.some(({ phase, left }) => phase === 'files' && left !== null && left > 0)).toBe(true)
		for (const { stored, loaded, total } of progress) expect([stored <= loaded, loaded <= total]).toEqual([true, true])
	})
})
