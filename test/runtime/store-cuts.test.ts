// Downloads that are cut off: they go on where they were, and fetch little twice.

import { describe, expect, test } from 'vitest'
import { persistent } from '../../runtime/store/patience.ts'
import { chunk, chunksAre, error, inFlight, model, read, server, short, size, verifies } from './store-reading.ts'

describe('cuts', () => {
	test('20 at random places in one load: it goes on, and fetches no more again than what was under way', async () => {
		server.cuts = Array.from({ length: 20 }, () => Math.floor(Math.random() * size)).sort((a, b) => a - b)
		await verifies(read({ patience: persistent }))
		expect(server.cuts).toEqual([])
		expect(server.sent).toBeLessThanOrEqual(size + model.bytes.length + 20 * inFlight)
	})

	test('five that end the program, at random places: the next load goes on from there', async () => {
		for (let kill = 1; kill <= 5; kill++) {
			const life = new AbortController()
			const end = (size * kill) / 6 + Math.random() * chunk
			const reading = read({ signal: life.signal, onProgress: () => server.sent > end && life.abort() })
			expect(await error(reading)).toMatchObject({ code: 'aborted' })
		}
		await verifies(read())
		expect(server.sent).toBeLessThanOrEqual(size + model.bytes.length + 5 * inFlight)
	})

	test('whatever arrives makes up for failures: only those in a row count', async () => {
		let count = 0
		server.fault = chunksAre((response, _, body) => (++count % 3 === 0 ? response.destroy() : response.writeHead(200).end(body)))
		await verifies(read({ patience: { ...short, retries: 2 } }))
	})
})
