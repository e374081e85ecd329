// Clocks that are wrong, of the page or of the publisher: a model that is there goes on.

import { describe, expect, test, vi } from 'vitest'
import { server, start, version } from './store-starting.ts'

const year = 365 * 24 * 3600 * 1000

describe('a clock that is wrong', () => {
	const clock = (by: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + by })

	test.each([
		['a year ahead', year, /^channel-expired: .*the clock here says/],
		['a year behind', -year, undefined],
	])('%s: a model that is there goes on', async (_, by, told) => {
		await server.publish(await version('1.0.0'))
		await start()
		clock(by)
		const again = await start()
		expect(again).toMatchObject({ version: '1.0.0' })
		if (told) expect(again.told).toMatch(told)
		else expect(again.told).toMatchObject({ version: '1.0.0' })
		// And when it is right again, so is all.
		vi.useRealTimers()
		expect(await start()).toMatchObject({ version: '1.0.0', told: { version: '1.0.0' } })
	})

	test('a year behind: a first visit works', async () => {
		await server.publish(await version('1.0.0'))
		clock(-year)
		expect(await start()).toMatchObject({ version: '1.0.0' })
	})

	test('a year ahead: a first visit ends in one error, which names the clock', async () => {
		await server.publish(await version('1.0.0'))
		clock(year)
		await expect(start()).rejects.toMatchObject({
			code: 'channel-expired',
			message: expect.stringMatching(/the clock here says .* or the clock be set/),
		})
	})

	test("a publisher's, which signs a year ahead: believed all the same", async () => {
		clock(year)
		await server.publish(await version('1.0.0'))
		vi.useRealTimers()
		expect(await start()).toMatchObject({ version: '1.0.0' })
		expect(await start()).toMatchObject({ version: '1.0.0', told: { version: '1.0.0' } })
	})
})
