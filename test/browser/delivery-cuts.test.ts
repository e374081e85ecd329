// Downloads that break off: connections cut, the network gone for a while, the browser killed. What had arrived is not fetched again.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext } from 'playwright-core'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { atEnd } from '../fixtures/at-end.ts'
import { addBig, bigSize, type Delivery, deliverySite } from './delivery-site.ts'
import { hello } from './device-page.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openProfile, type Profiled } from './profile.ts'

/** Most that is under way at a time: four chunks. */
const inFlight = 4 * 2 ** 20
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`

let browser: Browser
let models: Models
let delivery: Delivery

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	await addBig(models)
	delivery = await deliverySite(models)
})
beforeEach(() => {
	Object.assign(delivery, { sent: 0, pause: 4, onSent: undefined })
})

/** Loads the model; resolves with the vector of "hello world". */
async function load(context: BrowserContext): Promise<number[]> {
	const page = await context.newPage()
	await page.goto(delivery.site.origin)
	await page.waitForFunction(() => 'spillway' in window)
	return page.evaluate(async (trust) => {
		const runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
		const model = await runtime.load('big-text')
		return [...((await model.embed(['hello world'])).vectors[0] ?? [])]
	}, models.trust)
}

/** Does something as soon as so many bytes have been sent. */
function at(bytes: number, work: () => unknown): void {
	delivery.onSent = () => {
		if (delivery.sent < bytes) return
		delivery.onSent = undefined
		work()
	}
}

/** Of one load or several: what was under way whenever it broke off, and nothing else, was fetched twice. */
function expectLittleTwice(broken: number): void {
	console.info(`${broken} broken off: ${mebibytes(delivery.sent)} fetched of a model of ${mebibytes(bigSize)}`)
	expect(delivery.sent).toBeLessThanOrEqual(bigSize + broken * inFlight)
}

test('all connections cut 20 times at random places: one load bears it', async () => {
	const context = await browser.newContext()
	// One in each twentieth: more failures in a row than a load bears are no fault of its.
	const places = Array.from({ length: 20 }, (_, i) => ((i + Math.random()) / 20) * bigSize)
	const next = () => {
		const place = places.shift()
		if (place === undefined) return
		at(Math.max(place, delivery.sent + 1), () => {
			delivery.cut()
			next()
		})
	}
	next()
	expect(await load(context)).toEqual(hello)
	expect(places).toEqual([])
	expectLittleTwice(20)
	await context.close()
})

test('offline for a while in the middle: waited for', async () => {
	const context = await browser.newContext()
	at(bigSize / 3, async () => {
		await context.setOffline(true)
		delivery.cut()
		setTimeout(() => context.setOffline(false), 3000)
	})
	expect(await load(context)).toEqual(hello)
	expectLittleTwice(1)
	await context.close()
})

test('the browser killed five times at random places: it verifies all the same', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-profile-'))
	let opened: Profiled | undefined
	atEnd(async () => {
		await opened?.kill()
		await rm(folder, { recursive: true, force: true, maxRetries: 5 })
	})
	const kills = 5
	for (let kill = 0; kill < kills; kill++) {
		const killing = await openProfile(folder)
		opened = killing
		const place = delivery.sent + 2 ** 20 + Math.random() * (bigSize / kills)
		const killed = new Promise<void>((done, failed) => at(place, () => killing.kill().then(done, failed)))
		load(killing.context).catch(() => {})
		await killed
	}
	opened = await openProfile(folder)
	expect(await load(opened.context)).toEqual(hello)
	expectLittleTwice(kills)
	await opened.close()
	opened = undefined
})
