// Downloads: mirrors, cuts, failures in a row, what drips or never ends, tabs that share one, and how long it will take.

import { beforeEach, describe, expect, test, vi } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { alone } from '../../runtime/store/alone.ts'
import { fetchBytes } from '../../runtime/store/fetch.ts'
import { Leave } from '../../runtime/store/leave.ts'
import { TimeLeft } from '../../runtime/store/left.ts'
import { Mirrors } from '../../runtime/store/mirrors.ts'
import { Failures, type Patience, persistent } from '../../runtime/store/patience.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import type { Storage } from '../../runtime/store/storage/storage.ts'
import { createStore, type Read, type ReadOptions, type Version } from '../../runtime/store/store.ts'
import { type CountingServer, countingServer } from './store-server.ts'
import { filesOf, packed, textDescription } from './tiny.ts'
import { type Fault, faults } from './tiny-server.ts'

const chunk = 16 * 1024
const inFlight = 4 * chunk
/** No two chunks alike. */
const noise = Uint8Array.from({ length: 60 * chunk + 99 }, (_, i) => ((i * 2654435761) >>> 13) ^ (i >>> 14))
const description = textDescription()
const files = { ...filesOf(description), 'graph.onnx': noise }
const model = await packed(description, files, chunk)
const size = [...model.chunks.values()].reduce((sum, { length }) => sum + length, 0)
const pointer = { digest: model.digest, version: '1.0.0', serial: 1 }

/** Quick to give up. */
const short: Patience = { retries: 1, stall: 10_000, offline: 0, fruitless: 120_000 }
/** The same with a server that says nothing, or hardly anything. */
const shorter: Patience = { ...short, stall: 300 }

let server: CountingServer
let storage: Storage

beforeEach(async () => {
	server = await countingServer(model)
	storage = memoryStorage()
})

interface Reading extends Partial<ReadOptions> {
	from?: readonly CountingServer[]
	into?: Storage
	patience?: Patience
}

function read({ from = [server], into = storage, patience = short, ...options }: Reading = {}): Promise<Version> {
	const mirrors = new Mirrors(from.map(({ base }) => base))
	const store = createStore({ mirrors, trust: { keys: [] }, storage: into, patience })
	return store.read('tiny-text', pointer, { signal: new AbortController().signal, files: () => Object.keys(files), ...options })
}

const verifies = async (reading: Promise<Version>) => expect((await reading).files.get('graph.onnx')).toEqual(noise)
const error = async (reading: Promise<unknown>) =>
	reading.then(
		() => 'none',
		(thrown: SpillwayError) => thrown,
	)

/** Spoils answers to chunks alone. */
const chunksAre =
	(fault: Fault): Fault =>
	(response, request, body) =>
		request.url?.includes('chunks/') ? fault(response, request, body) : response.writeHead(200).end(body)

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

	test('what breaks several off at once is one failure', async () => {
		const failures = new Failures({ ...short, retries: 1 })
		const error = new SpillwayError('network', 'gone')
		const { signal } = new AbortController()
		const bear = (before: number) => failures.bear({ error, before, late: false }, signal)
		await Promise.all([1, 2, 3, 4].map(() => bear(0)))
		await expect(bear(failures.count)).rejects.toBe(error)
	})

	test('pauses double with each failure in a row, whichever parts fail: six tries are a quarter of a minute, not two seconds', async () => {
		vi.useFakeTimers()
		try {
			const failures = new Failures({ ...short, retries: 6 })
			const error = new SpillwayError('network', 'gone')
			const { signal } = new AbortController()
			const begun = performance.now()
			const all = (async () => {
				for (;;) await failures.bear({ error, before: failures.count, late: false }, signal)
			})()
			const ended = expect(all).rejects.toBe(error)
			await vi.runAllTimersAsync()
			await ended
			// 300 ms to 9.6 s, up to half of each left to chance.
			expect(performance.now() - begun).toBeGreaterThan(9_000)
			failures.makeUp()
			const again = performance.now()
			const first = failures.bear({ error, before: failures.count, late: false }, signal)
			await vi.runAllTimersAsync()
			await first
			expect(performance.now() - again).toBeLessThanOrEqual(300)
		} finally {
			vi.useRealTimers()
		}
	})

	test('a server that says nothing is given up after a time, however many parts wait for it in turn', async () => {
		server.fault = chunksAre(() => {})
		const asked = () => server.asked.filter((path) => path.startsWith('chunks/')).length
		expect(await error(read({ patience: { retries: 6, stall: 100, offline: 0, fruitless: 300 } }))).toMatchObject({ code: 'network' })
		// Four at once, which count as one, and then one after another.
		expect(asked()).toBeLessThanOrEqual(4 + 3)
	})

	test('from a failure to the next success parts come one at a time', async () => {
		const failures = new Failures(short)
		const { signal } = new AbortController()
		let most = 0
		let now = 0
		const part = () =>
			failures.inTurn(signal, async () => {
				most = Math.max(most, ++now)
				await new Promise((done) => setTimeout(done, 10))
				now--
			})
		const four = () => Promise.all([1, 2, 3, 4].map(part))
		await four()
		expect(most).toBe(4)
		await failures.bear({ error: new SpillwayError('network', 'gone'), before: 0, late: true }, signal)
		most = 0
		await four()
		expect(most).toBe(1)
		failures.makeUp()
		await four()
		expect(most).toBe(4)
	})
})

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

describe('several tabs', () => {
	/** As a browser's storage is, that all tabs share. */
	const shared = (): Storage => {
		const inner = memoryStorage()
		return { ...inner, bytes: { ...inner.bytes, kind: 'cache' } }
	}

	test('five at once fetch each chunk once', async () => {
		const into = shared()
		const versions = await Promise.all(Array.from({ length: 5 }, () => read({ into })))
		for (const { files } of versions) expect(files.get('graph.onnx')).toEqual(noise)
		expect(server.sent).toBe(size + model.bytes.length)
		expect(versions.reduce((sum, { bytes }) => sum + bytes.stored, 0)).toBe(4 * size)
	})

	test('one that is given up leaves its part to the others', async () => {
		const into = shared()
		const life = new AbortController()
		const first = error(read({ into, signal: life.signal, onProgress: ({ loaded }) => loaded > size / 2 && life.abort() }))
		const second = read({ into })
		expect(await first).toMatchObject({ code: 'aborted' })
		await verifies(second)
		expect(server.sent).toBeLessThanOrEqual(size + model.bytes.length + inFlight)
	})

	test('a holder that does not answer is not waited for', async () => {
		const held = new AbortController()
		const holding = navigator.locks.request('frozen', () => new Promise((end) => held.signal.addEventListener('abort', end)))
		expect(await alone('frozen', new AbortController().signal, async () => 'done', { silence: 100 })).toBe('done')
		const life = new AbortController()
		const waiting = error(alone('frozen', life.signal, async () => 'done', { silence: 5000 }))
		life.abort()
		expect(await waiting).toMatchObject({ code: 'aborted' })
		held.abort()
		await holding
	})

	test('a holder that answers is waited for only so long', async () => {
		const { signal } = new AbortController()
		const held = new AbortController()
		const holding = alone('patient', signal, () => new Promise((end) => held.signal.addEventListener('abort', end)))
		expect(await alone('patient', signal, async () => 'beside it', { limit: 100 })).toBe('beside it')
		held.abort()
		await holding
	})

	test('a holder that answers is waited for, and its failure is its own', async () => {
		const { signal } = new AbortController()
		let ended = false
		const work = async () => {
			await new Promise((done) => setTimeout(done, 400))
			ended = true
			return 'slow'
		}
		const slow = alone('slow', signal, work, { silence: 100 })
		const next = alone('slow', signal, async () => ended, { silence: 100 })
		expect(await slow).toBe('slow')
		expect(await next).toBe(true)
		const failing = alone('slow', signal, async () => Promise.reject(new Error('mine')))
		const other = alone('slow', signal, async () => 'done')
		await expect(failing).rejects.toThrow('mine')
		expect(await other).toBe('done')
	})
})

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

describe('progress', () => {
	test('is told from what was verified, and what came from storage', async () => {
		const life = new AbortController()
		await error(read({ signal: life.signal, onProgress: ({ loaded }) => loaded > size / 2 && life.abort() }))
		const told: Read[] = []
		await read({ onProgress: (one) => told.push(one) })
		expect(told[0]).toEqual({ loaded: 0, total: size, stored: 0, left: null })
		const last = told.at(-1) as Read
		expect(last).toMatchObject({ loaded: size, total: size, left: 0 })
		expect(last.stored).toBeGreaterThan(size / 2)
		// First what is stored, then what is not.
		expect(told.find(({ loaded }) => loaded > last.stored)?.stored).toBe(last.stored)
	})

	test('the time left follows from what came in the last seconds, unverified parts included', () => {
		vi.useFakeTimers({ toFake: ['performance'], now: 0 })
		try {
			const left = new TimeLeft()
			expect(left.of(1000)).toBe(null)
			left.came(0)
			for (let i = 0; i < 10; i++) {
				vi.advanceTimersByTime(100)
				left.came(100)
			}
			// 1 byte each ms; of the 5,000 not verified 1,000 have come.
			expect(left.of(5000)).toBe(4000)
			left.settled(1000)
			expect(left.of(4000)).toBe(4000)
			// A tenth of it, for longer than is looked back.
			for (let i = 0; i < 120; i++) {
				vi.advanceTimersByTime(100)
				left.came(10)
				left.settled(10)
			}
			expect(left.of(1000)).toBeCloseTo(10_000, -3)
			expect(left.of(0)).toBe(0)
			// Nothing for a while: who knows.
			vi.advanceTimersByTime(60_000)
			expect(left.of(1000)).toBe(null)
		} finally {
			vi.useRealTimers()
		}
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
