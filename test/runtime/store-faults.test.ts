// Servers that drip, never end, or lead in circles: each download ends as it should.

import { describe, expect, test } from 'vitest'
import { fetchBytes } from '../../runtime/store/fetch.ts'
import { chunksAre, error, model, read, server, shorter, verifies } from './store-reading.ts'
import { countingServer } from './store-server.ts'
import { type Fault, faults } from './tiny-server.ts'

describe('each ends as it should', () => {
	test.each<[string, Fault, string, RegExp]>([
		['a drip', (response) => drip(response), 'network', /less than 4096 bytes came in 300 ms/],
		['nothing', () => {}, 'network', /less than 4096 bytes/],
		['no end', (response) => endless(response), 'integrity', /sends more than \d+ bytes/],
		['a redirect to itself', faults.status(302, { location: '?' }), 'network', /cannot be fetched/],
	])('%s: a typed error', async (_, fault, code, message) => {
		server.fault = chunksAre(fault)
		expect(await error(read({ patience: shorter }))).toMatchObject({ code, message: expect.stringMatching(message) })
	})

	test('a redirect to the right bytes: they serve', async () => {
		const elsewhere = await countingServer(model)
		server.fault = (response, request) => response.writeHead(302, { location: `${elsewhere.base}${request.url?.slice(1)}` }).end()
		await verifies(read())
	})
})

test('who reads along is not left with what never ends', async () => {
	server.fault = (response) => endless(response)
	let along: Promise<unknown> | undefined
	const fetched = fetchBytes(new URL('wasm', server.base), {
		what: 'the wasm',
		signal: new AbortController().signal,
		size: 1000,
		onResponse: (response) => {
			along = error(response.clone().blob())
		},
	})
	expect(await error(fetched)).toMatchObject({ code: 'integrity' })
	expect(await along).toMatchObject({ name: 'AbortError' })
})

/** A byte now and then. */
function drip(response: Parameters<Fault>[0]): void {
	response.writeHead(200)
	const timer = setInterval(() => response.write('.'), 20)
	response.on('close', () => clearInterval(timer))
}

/** As fast as it goes. */
function endless(response: Parameters<Fault>[0]): void {
	response.writeHead(200)
	const more = () => void (response.destroyed || response.write(new Uint8Array(65_536), more))
	more()
}
