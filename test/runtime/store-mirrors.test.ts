// Downloads from several mirrors: one that fails or lies is passed by.

import { describe, expect, test } from 'vitest'
import { chunk, chunksAre, error, model, read, server, shorter, verifies } from './store-reading.ts'
import { countingServer } from './store-server.ts'
import { type Fault, faults } from './tiny-server.ts'

describe('mirrors', () => {
	test.each<[string, Fault]>([
		['is closed', faults.closed],
		['answers 404', faults.status(404)],
		['answers 500', faults.status(500)],
		['asks for an hour', faults.status(503, { 'retry-after': '3600' })],
		['has a page of HTML for everything', faults.html],
		['truncates', faults.truncated],
		['flips bits', faults.flipped],
		['gives what belongs to another version', (response) => void response.writeHead(200).end(new Uint8Array(chunk))],
		['says nothing', () => {}],
	])('the first %s: the next one serves, and the first is asked no more', async (_, fault) => {
		const second = await countingServer(model)
		server.fault = fault
		await verifies(read({ from: [server, second], patience: shorter }))
		// The manifest, fetched twice where it was wrong.
		expect(server.asked.length).toBeLessThanOrEqual(2)
	})

	test('the first begins to lie in the middle: each has given what it could', async () => {
		const second = await countingServer(model)
		let count = 0
		server.fault = (response, request, body) => (++count > 20 ? faults.flipped(response, request, body) : response.writeHead(200).end(body))
		await verifies(read({ from: [server, second] }))
		// Four under way, twice each, were wrong.
		expect(server.asked.length).toBeLessThanOrEqual(20 + 8)
		expect(new Set(second.asked).size).toBeGreaterThan(30)
	})

	test('all lie: one error that tells of each', async () => {
		const second = await countingServer(model)
		server.fault = chunksAre(faults.flipped)
		second.fault = chunksAre(faults.html)
		const { base } = second
		expect(await error(read({ from: [server, second] }))).toMatchObject({
			code: 'integrity',
			message: expect.stringMatching(`chunk \\d+ of \\S+ from ${server.base}.*its SHA-256.*; .*${base}.*text/html`),
		})
	})

	test('one has nothing, the other recovers: it is waited for, and the first is not asked for that again', async () => {
		const second = await countingServer(model)
		server.fault = faults.status(404)
		let failed = false
		second.fault = (response, request, body) => {
			if (failed) return response.writeHead(200).end(body)
			failed = true
			return faults.status(503, { 'retry-after': '0' })(response, request, body)
		}
		await verifies(read({ from: [server, second] }))
		expect(server.asked.filter((path) => path.startsWith('manifests/'))).toHaveLength(1)
	})
})
