// Downloads while there is no network.

import { describe, expect, test, vi } from 'vitest'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import { chunksAre, error, read, server, short, verifies } from './store-reading.ts'
import { faults } from './tiny-server.ts'

describe('each ends as it should', () => {
	test('offline: waited for, and begun again as soon as there is a network', async () => {
		const events = new EventTarget()
		vi.stubGlobal('addEventListener', events.addEventListener.bind(events))
		vi.stubGlobal('removeEventListener', events.removeEventListener.bind(events))
		vi.stubGlobal('navigator', { onLine: false })
		try {
			server.fault = chunksAre(faults.closed)
			// What was closed before may be told after.
			const reading = read({ patience: { ...short, retries: 1, offline: 20_000 } })
			await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(1))
			server.fault = undefined
			vi.stubGlobal('navigator', { onLine: true })
			setTimeout(() => events.dispatchEvent(new Event('online')), 50)
			await verifies(reading)

			vi.stubGlobal('navigator', { onLine: false })
			server.fault = chunksAre(faults.closed)
			expect(await error(read({ into: memoryStorage(), patience: { ...short, retries: 0, offline: 50 } }))).toMatchObject({
				code: 'network',
				message: expect.stringContaining('has been offline for'),
			})
		} finally {
			vi.unstubAllGlobals()
		}
	})
})
