// A browser that is killed in the middle of a download: what had arrived is there when it is started again.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { addBig, bigSize, deliverySite } from './delivery-site.ts'
import { hello } from './device-page.ts'
import { packModels } from './models.ts'
import { openProfile, type Profiled } from './profile.ts'

const kills = 5
/** Most that is under way at a time: four chunks. */
const inFlight = 4 * 2 ** 20

test('killed five times at random places: fetched in all is no more than the model, and what was under way; it verifies', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-profile-'))
	let browser: Profiled | undefined
	afterAll(async () => {
		await browser?.kill()
		await rm(folder, { recursive: true, force: true, maxRetries: 5 })
	})
	const models = await packModels()
	await addBig(models)
	const delivery = await deliverySite(models)
	delivery.pause = 4

	/** Begins to load; settles with the vector of "hello world", or never. */
	async function load(): Promise<number[]> {
		browser = await openProfile(folder)
		const page = await browser.context.newPage()
		await page.goto(delivery.site.origin)
		await page.waitForFunction(() => 'spillway' in window)
		return page.evaluate(async (trust) => {
			const runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
			const model = await runtime.load('big-text')
			return [...((await model.embed(['hello world'])).vectors[0] ?? [])]
		}, models.trust)
	}

	for (let kill = 0; kill < kills; kill++) {
		const before = delivery.sent
		const place = before + 2 ** 20 + Math.random() * (bigSize / kills)
		const killed = new Promise<void>((done, failed) => {
			delivery.onSent = () => {
				if (delivery.sent < place) return
				delivery.onSent = undefined
				browser?.kill().then(done, failed)
			}
		})
		const loading = load()
		loading.catch(() => {})
		await killed
	}
	expect(await load()).toEqual(hello)
	expect(delivery.sent).toBeLessThanOrEqual(bigSize + kills * inFlight)
	// Without what was kept it would have been more.
	console.info(`${kills} kills: ${(delivery.sent / 2 ** 20).toFixed(1)} MiB fetched of a model of ${bigSize / 2 ** 20} MiB`)
	await browser?.close()
	browser = undefined
})
