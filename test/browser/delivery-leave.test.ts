// When a page may download a model: the option, and a browser that is asked to save data.

import { describe, expect, test } from 'vitest'
import { delivery, engineOf, open, outcome } from './delivery-visit.ts'
import { close } from './device-page.ts'

describe('leave', () => {
	test('under download: "ask" a call downloads nothing, ready() does, and what is stored needs none', async () => {
		const page = await open({ download: 'ask' })
		const call = () => page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello world'])))
		expect(await call()).toMatchObject({ code: 'unavailable', message: expect.stringContaining('ready() downloads it (download: "ask")') })
		expect(delivery.chunks).toEqual([])
		expect(await outcome(page)).toMatchObject({ end: 'works' })
		const fetched = delivery.chunks.length

		const later = await open({ download: 'ask' })
		const vector = await later.evaluate(async () => [...((await window.runtime.model('tiny-text').embed(['red'])).vectors[0] ?? [])])
		expect(vector).toEqual(close(vector))
		expect(delivery.chunks.length).toBe(fetched)
	})

	test('a browser that is asked to save data is one that asks', async () => {
		const page = await open()
		await page.evaluate(() => window.errorOf(window.runtime.model('nothing').ready()))
		await engineOf(page).evaluate(() => {
			const { connection } = navigator as Navigator & { connection: object }
			Object.defineProperty(connection, 'saveData', { value: true })
		})
		const refused = await page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello world'])))
		expect(refused).toMatchObject({ code: 'unavailable', message: expect.stringContaining('asked to save data') })
		expect(delivery.chunks).toEqual([])
		expect(await outcome(page)).toMatchObject({ end: 'works' })
	})

	test('ready() while a call is being refused: it is no refusal for ready()', async () => {
		const page = await open({ download: 'ask' })
		const ready = await page.evaluate(async () => {
			const model = window.runtime.model('tiny-text')
			const call = window.errorOf(model.embed(['hello world']))
			const ready = await window.errorOf(model.ready())
			await call
			return ready
		})
		expect(ready).toBe('none')
	})

	test('a download that is none of them is refused at once', async () => {
		await expect(open({ download: 'never' })).rejects.toThrow(/download must be auto, ask, wifi/)
	})
})
