// When a model may be downloaded: by what the application allows, and by what the browser tells of its network.

import { describe, expect, test, vi } from 'vitest'
import { Leave } from '../../runtime/store/leave.ts'
import { error, model, read, server, size, storage } from './store-reading.ts'

describe('leave', () => {
	const on = (network: object, download?: 'auto' | 'ask' | 'wifi') => new Leave(download, () => network)

	test.each<[boolean, string, 'auto' | 'ask' | 'wifi', object]>([
		[true, 'anything', 'auto', {}],
		[true, 'a cellular network', 'auto', { connection: { type: 'cellular' } }],
		[false, 'a browser that saves data', 'auto', { connection: { saveData: true } }],
		[false, 'anything', 'ask', {}],
		[true, 'Wi-Fi', 'wifi', { connection: { type: 'wifi' } }],
		[true, 'a cable', 'wifi', { connection: { type: 'ethernet' } }],
		[false, 'Wi-Fi, with a browser that saves data', 'wifi', { connection: { type: 'wifi', saveData: true } }],
		[false, 'a cellular network', 'wifi', { connection: { type: 'cellular' } }],
		[true, 'a computer', 'wifi', { connection: {}, userAgentData: { mobile: false } }],
		[false, 'a phone', 'wifi', { connection: { type: 'unknown' }, userAgentData: { mobile: true } }],
		[false, 'a browser that tells nothing', 'wifi', {}],
	])('%s on %s under %s', (may, _, download, network) => {
		const leave = on(network, download)
		expect(leave.unasked).toBe(may)
		expect(leave.has('minilm')).toBe(may)
		if (!may) expect(() => leave.demand('minilm', 23_500_000)).toThrow(/minilm is not on this device, 23\.5 MB: ready\(\) downloads it/)
		leave.give('minilm')
		expect(leave.has('minilm')).toBe(true)
		leave.demand('minilm', 1)
		expect(leave.has('other')).toBe(may)
	})

	test('is asked before anything but the manifest is downloaded, with what is missing; what is stored needs none', async () => {
		const permit = vi.fn(() => {
			throw new Error('no')
		})
		expect(await error(read({ permit }))).toMatchObject({ message: 'no' })
		expect(permit).toHaveBeenCalledWith(size)
		expect(server.asked).toHaveLength(1)
		const [one] = model.chunks
		await read()
		await read({ permit })
		await storage.bytes.delete(one?.[0] as string)
		expect(await error(read({ permit }))).toMatchObject({ message: 'no' })
		expect(permit).toHaveBeenLastCalledWith(one?.[1].length)
	})
})
