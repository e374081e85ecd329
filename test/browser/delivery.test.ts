// Delivery into a real browser: what goes wrong on the way and in storage ends as the tables say, and never in a wrong answer.

import { readFile } from 'node:fs/promises'
import type { Browser, BrowserContext, Page, Worker } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readChannel, signChannel } from '../../models/format/channel.ts'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'
import type { Progress } from '../../runtime/index.ts'
import { addBig, bigSize, type Delivery, deliverySite } from './delivery-site.ts'
import { close, hello } from './device-page.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { pageHtml, runtimeFolder } from './page.ts'
import { type Fault, serveSite } from './site.ts'

declare global {
	interface Window {
		/** Made by the test. */
		life: AbortController
	}
}

let browser: Browser
let models: Models
let delivery: Delivery
let context: BrowserContext
let serve: Fault | undefined

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	await addBig(models)
	delivery = await deliverySite(models)
	serve = delivery.site.fault
})
beforeEach(async () => {
	context = await browser.newContext()
	delivery.chunks.length = 0
	Object.assign(delivery, { sent: 0, pause: 0, onSent: undefined })
})
afterEach(async () => {
	delivery.site.fault = serve
	await context.close()
})

/** Answers before the site does. */
function spoil(fault: Fault): void {
	delivery.site.fault = (...request) => fault(...request) || !!serve?.(...request)
}
/** The same, for so many requests to paths that match. */
function spoilSome(paths: RegExp, times: number, answer: (response: Parameters<Fault>[1], path: string) => unknown): void {
	spoil((path, response) => {
		if (!paths.test(path) || times-- <= 0) return false
		answer(response, path)
		return true
	})
}

/** A page with a runtime in it, in the profile of this test. */
async function open(options: object = {}): Promise<Page> {
	const page = await context.newPage()
	await page.goto(delivery.site.origin)
	await page.waitForFunction(() => 'spillway' in window)
	await page.evaluate(
		([trust, options]) => {
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only', ...options })
		},
		[models.trust, options] as const,
	)
	return page
}

/** `works`, with the right vector, or the error's code. */
async function outcome(page: Page, model = 'tiny-text'): Promise<{ end: string; message: string; notes: readonly string[] }> {
	const { error, vector, notes } = await page.evaluate(async (name) => {
		const model = window.runtime.model(name)
		const error = await window.errorOf(model.ready())
		const { report } = (await model.explain()).device ?? {}
		if (error !== 'none') return { error, vector: [], notes: report?.notes ?? [] }
		return { error: undefined, vector: [...((await model.embed(['hello world'])).vectors[0] ?? [])], notes: report?.notes ?? [] }
	}, model)
	if (!error) expect(vector).toEqual(hello)
	return { end: error?.code ?? 'works', message: error?.message ?? '', notes }
}

const flipped = (bytes: Uint8Array) => {
	const wrong = Uint8Array.from(bytes)
	wrong[wrong.length >> 1] = (wrong[wrong.length >> 1] as number) ^ 1
	return wrong
}
const right = (path: string) => readFile(models.folder + path.slice('/models'.length))
const html = '<!doctype html><title>Oops</title>'
type Answer = (response: Parameters<Fault>[1], path: string) => unknown

const answers = {
	flipped: async (response, path) => response.end(flipped(await right(path))),
	short: async (response, path) => response.end((await right(path)).subarray(0, 99)),
	truncated: async (response, path) => {
		const bytes = await right(path)
		response.setHeader('Content-Length', bytes.length)
		response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy())
	},
	html: (response) => response.setHeader('Content-Type', 'text/html').end(html),
	loop: (response, path) => response.writeHead(302, { location: path }).end(),
	closed: (response) => response.destroy(),
	busy: (response) => response.writeHead(503, { 'retry-after': '1' }).end(),
	other: (response) => response.end(new Uint8Array(256).fill(7)),
} satisfies Record<string, Answer>

const chunks = /\/chunks\//
const manifest = /\/manifests\//
const channel = /channel\.jws/
const ever = Number.POSITIVE_INFINITY

describe('on the way', () => {
	test.each<[what: string, end: string, paths: RegExp, times: number, answer: Answer]>([
		['a flipped byte in a chunk, once', 'works', chunks, 1, answers.flipped],
		['a flipped byte in a chunk, always', 'integrity', chunks, ever, answers.flipped],
		['a flipped byte in the manifest, once', 'works', manifest, 1, answers.flipped],
		['a flipped byte in the manifest, always', 'integrity', manifest, ever, answers.flipped],
		['a truncated chunk, once', 'works', chunks, 1, answers.truncated],
		['a chunk that is whole for HTTP and too short, always', 'integrity', chunks, ever, answers.short],
		['chunks of another version, always', 'integrity', chunks, ever, answers.other],
		['200 with a page of HTML for chunks', 'integrity', chunks, ever, answers.html],
		['200 with a page of HTML for the channel', 'malformed', channel, ever, answers.html],
		['a redirect to itself', 'network', channel, ever, answers.loop],
		['a connection that is closed, twice', 'works', chunks, 2, answers.closed],
		['503 with Retry-After, once', 'works', chunks, 1, answers.busy],
	])('%s: %s', async (_, end, paths, times, answer) => {
		spoilSome(paths, times, answer)
		expect(await outcome(await open())).toMatchObject({ end })
	})

	test('a redirect to another origin that has the right bytes: works', async () => {
		const elsewhere = await serveSite({ mounts: { '/models/': `${models.folder}/` } })
		spoilSome(chunks, ever, (response, path) => response.writeHead(302, { location: elsewhere.origin + path }).end())
		expect(await outcome(await open())).toMatchObject({ end: 'works' })
		expect(delivery.chunks).toEqual([])
	})

	test('a first mirror that lies, fails, or serves another version: the next one serves', async () => {
		const wrong: Answer[] = [answers.flipped, answers.html, answers.closed, answers.busy, answers.other]
		const mirrors = await Promise.all(
			wrong.map(async (answer) => {
				const mirror = await serveSite({ mounts: { '/models/': `${models.folder}/` } })
				mirror.fault = (path, response) => {
					if (!chunks.test(path)) return false
					answer(response, path)
					return true
				}
				return mirror
			}),
		)
		const page = await open({ models: [...mirrors.map(({ origin }) => `${origin}/models/`), '/models/'] })
		expect(await outcome(page)).toMatchObject({ end: 'works' })
		for (const { asked } of mirrors) expect(asked.filter((path) => chunks.test(path)).length).toBeLessThanOrEqual(2 * 4)
	})

	test('a first mirror whose channel is signed by another key: the next one is asked', async () => {
		const { key } = models
		const forger = await generateSigningKey()
		const forged = await serveSite({
			mounts: { '/models/tiny-text/channel.jws': { text: await shifted(0, forger) } },
		})
		expect(await outcome(await open({ models: [`${forged.origin}/models/`, '/models/'] }))).toMatchObject({ end: 'works' })
		expect(key).not.toEqual(forger)
		expect(await outcome(await open({ models: `${forged.origin}/models/` }), 'ring')).toMatchObject({ end: 'not-found' })
	})
})

function engineOf(page: Page): Worker {
	const engine = page.workers().find((worker) => /engine/.test(worker.url()))
	if (!engine) throw new Error('no engine')
	return engine
}

const year = 365 * 24 * 60 * 60

/** The channel as it would have been signed so many seconds later. */
async function shifted(by: number, key: SigningKey = models.key): Promise<string> {
	const channel = readChannel(await readFile(`${models.folder}/tiny-text/channel.jws`, 'utf8'))
	return signChannel({ ...channel, issued: channel.issued + by, expires: channel.expires + by }, key)
}

describe('clocks', () => {
	/** Serves the channel of another time, and sets the engine's clock to another. */
	async function atAnotherTime(page: Page, signed: number, clock: number): Promise<void> {
		const text = await shifted(signed)
		spoilSome(channel, ever, (response, path) => (path.includes('tiny-text') ? response.end(text) : response.writeHead(404).end()))
		// The engine is there when it has been asked for anything.
		await page.evaluate(() => window.errorOf(window.runtime.model('nothing').ready()))
		await engineOf(page).evaluate((by) => {
			const now = Date.now
			Date.now = () => now() + by
		}, clock * 1000)
	}

	test.each<[what: string, first: string, signed: number, clock: number]>([
		['a channel that expired a year ago', 'channel-expired', -2 * year, 0],
		['a channel from a year ahead', 'works', year, 0],
		['a clock a year ahead', 'channel-expired', 0, year],
		['a clock a year behind', 'works', 0, -year],
	])('%s: on the first visit %s, and what is there goes on', async (_, first, signed, clock) => {
		const page = await open()
		await atAnotherTime(page, signed, clock)
		expect(await outcome(page)).toMatchObject({ end: first })

		delivery.site.fault = serve
		if (first !== 'works') expect(await outcome(await open())).toMatchObject({ end: 'works' })
		const again = await open()
		await atAnotherTime(again, signed, clock)
		expect(await outcome(again)).toMatchObject({ end: 'works' })
	})
})

/** Flips a byte in the middle of all that this origin has stored. */
const spoilStored = (page: Page): Promise<number> =>
	page.evaluate(async () => {
		let spoiled = 0
		const flip = (buffer: ArrayBuffer) => {
			const bytes = new Uint8Array(buffer)
			bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
			spoiled++
			return bytes
		}
		async function walk(folder: FileSystemDirectoryHandle): Promise<void> {
			for await (const entry of (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()) {
				if (entry.kind === 'directory') await walk(entry as FileSystemDirectoryHandle)
				else {
					const file = entry as FileSystemFileHandle
					const bytes = flip(await (await file.getFile()).arrayBuffer())
					const writable = await file.createWritable()
					await writable.write(bytes)
					await writable.close()
				}
			}
		}
		await walk(await navigator.storage.getDirectory())
		for (const name of await caches.keys()) {
			const cache = await caches.open(name)
			for (const request of await cache.keys()) {
				const response = (await cache.match(request)) as Response
				await cache.put(request, new Response(flip(await response.arrayBuffer()), { headers: response.headers }))
			}
		}
		return spoiled
	})

describe('in storage', () => {
	test('all flipped: noticed, deleted, and fetched again', async () => {
		const first = await open()
		expect(await outcome(first)).toMatchObject({ end: 'works' })
		const fetched = delivery.chunks.length
		await first.evaluate(() => window.runtime.dispose())
		expect(await spoilStored(first)).toBeGreaterThan(2)
		expect(await outcome(await open())).toMatchObject({ end: 'works' })
		expect(delivery.chunks.length).toBe(2 * fetched)
		expect(await outcome(await open())).toMatchObject({ end: 'works' })
		expect(delivery.chunks.length).toBe(2 * fetched)
	})

	test('wiped in the middle of a download: works', async () => {
		const page = await open()
		delivery.pause = 2
		const wiping = new Promise<void>((wiped, failed) => {
			delivery.onSent = () => {
				if (delivery.sent < bigSize / 3) return
				delivery.onSent = undefined
				context
					.newCDPSession(page)
					.then((session) => session.send('Storage.clearDataForOrigin', { origin: delivery.site.origin, storageTypes: 'all' }))
					.then(() => wiped(), failed)
			}
		})
		const loading = outcome(page, 'big-text')
		await wiping
		expect(await loading).toMatchObject({ end: 'works' })
		// What is there now is whole, or mended.
		expect(await outcome(await open(), 'big-text')).toMatchObject({ end: 'works' })
	})

	test('a quota of 25 MB, which is less than all: goes on from memory, and says so', async () => {
		const page = await open()
		const session = await context.newCDPSession(page)
		await session.send('Storage.overrideQuotaForOrigin', { origin: delivery.site.origin, quotaSize: 25e6 })
		const { end, notes } = await outcome(page, 'big-text')
		expect(end).toBe('works')
		expect(notes.join()).toMatch(/refuses to store more|memory/)
		expect(await outcome(await open(), 'big-text')).toMatchObject({ end: 'works' })
	})
})

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

test('a page of another origin loads models all the same', async () => {
	const elsewhere = await serveSite({ mounts: { '/': { text: pageHtml }, '/spillway/': `${runtimeFolder}/` } })
	const page = await context.newPage()
	await page.goto(elsewhere.origin)
	await page.waitForFunction(() => 'spillway' in window)
	await page.evaluate(
		([models, trust]) => {
			window.runtime = window.spillway.createRuntime({ models, trust, policy: 'device-only' })
		},
		[`${delivery.site.origin}/models/`, models.trust] as const,
	)
	expect(await outcome(page)).toMatchObject({ end: 'works' })
})
