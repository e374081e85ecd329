// Which version a page is given that asks for a range of them.

import { beforeEach, describe, expect, test } from 'vitest'
import { chunksAsked, name, server, start, storeFor, version } from './store-starting.ts'
import type { Packed } from './tiny.ts'

describe('a range', () => {
	let all: Packed[]
	beforeEach(async () => {
		all = await Promise.all(['2.0.0', '1.10.0', '1.2.0', '0.9.0'].map(version))
		for (const one of all) await server.publish(one)
		await server.publish(all[0] as Packed, { serial: 4, versions: all.slice(1) })
	})

	test.each([
		[undefined, '2.0.0'],
		['^1', '1.10.0'],
		['~1.2', '1.2.0'],
		['0.9.0', '0.9.0'],
		['>=1', '2.0.0'],
	])('%s brings %s', async (asked, version) => {
		expect(await start(asked)).toMatchObject({ version })
		// And so it does from storage, without a network.
		await server.close()
		expect(await start(asked)).toMatchObject({ version, told: expect.stringContaining('network') })
	})

	test('in which nothing is published is an error that says what there is', async () => {
		await expect(start('^3')).rejects.toMatchObject({
			code: 'not-found',
			message: 'tiny-text ^3 is not there: the channel names 2.0.0, and beside it 1.10.0, 1.2.0, 0.9.0',
		})
	})

	test.each(['latest', '', '^'])('%j is none: refused before anything is asked', async (asked) => {
		await expect(start(asked)).rejects.toMatchObject({
			code: 'invalid-input',
			message: expect.stringContaining('neither a version nor a range'),
		})
		expect(server.requests).toEqual([])
	})

	test('pages that ask in different ways do not displace one another', async () => {
		await start()
		await start('^1')
		server.requests.length = 0
		expect(await start()).toMatchObject({ version: '2.0.0' })
		expect(await start('^1')).toMatchObject({ version: '1.10.0' })
		expect(chunksAsked()).toEqual([])
		const kept = await storeFor().kept()
		expect(kept.map(({ model, version, current }) => [model, version, current])).toEqual([
			[name, '2.0.0', true],
			[name, '1.10.0', false],
		])
	})

	test('that nobody has asked for yet is served from what others have stored when the channel cannot be had', async () => {
		await start('^1')
		await server.close()
		expect(await start('>=1')).toMatchObject({ version: '1.10.0', told: expect.stringMatching(/^network: /) })
		await expect(start('^2')).rejects.toMatchObject({ code: 'network' })
	})

	test('in which nothing is published any more: what is stored goes on', async () => {
		await start('^1')
		await server.publish(all[0] as Packed, { serial: 5 })
		expect(await start('^1')).toMatchObject({ version: '1.10.0', told: expect.stringMatching(/^not-found: tiny-text \^1 is not there/) })
	})
})
