// Delivery where it takes long or another browser: a mirror that drips, and five windows of Firefox that share one download.

import { beforeAll, expect, test } from 'vitest'
import { addBig, bigSize, type Delivery, deliverySite } from '../browser/delivery-site.ts'
import { getBrowser } from '../browser/launch.ts'
import { type Models, packModels } from '../browser/models.ts'
import { openPage } from '../browser/page.ts'
import { serveSite } from '../browser/site.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { launchFirefox } from './firefox.ts'

const executable = process.env.TEST_FIREFOX
const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

let models: Models
let delivery: Delivery

beforeAll(async () => {
	models = await packModels()
	await addBig(models)
	delivery = await deliverySite(models)
})

test('a mirror that gives a byte now and then is given up, and the next one serves', async () => {
	const dripping = await serveSite({ mounts: { '/models/': `${models.folder}/` } })
	dripping.fault = (path, response) => {
		if (!path.includes('/chunks/')) return false
		response.writeHead(200)
		const timer = setInterval(() => response.write('.'), 500)
		response.on('close', () => clearInterval(timer))
		return true
	}
	const page = await openPage(await getBrowser(), delivery.site)
	const vector = await page.evaluate(
		async ([mirror, trust]) => {
			const runtime = window.spillway.createRuntime({ models: [mirror, '/models/'], trust, policy: 'device-only' })
			const model = await runtime.load('tiny-text')
			return [...((await model.embed(['hello world'])).vectors[0] ?? [])]
		},
		[`${dripping.origin}/models/`, models.trust] as const,
	)
	expect(vector).toEqual(hello)
	expect(dripping.asked.filter((path) => path.includes('/chunks/')).length).toBeLessThanOrEqual(4)
})

test.skipIf(!executable)('five windows of Firefox opened at once fetch the model once', async () => {
	const firefox = await launchFirefox(executable ?? '')
	atEnd(() => firefox.close())
	const windows = await Promise.all(Array.from({ length: 5 }, () => firefox.window()))
	Object.assign(delivery, { sent: 0, pause: 1 })
	delivery.chunks.length = 0
	const vectors = await Promise.all(
		windows.map(async (one) => {
			await one.open(delivery.site.origin)
			return one.evaluate<number[]>(`
				while (!('spillway' in window)) await new Promise((later) => setTimeout(later, 20))
				const runtime = spillway.createRuntime({ models: '/models/', trust: ${JSON.stringify(models.trust)}, policy: 'device-only' })
				const model = await runtime.load('big-text')
				return [...(await model.embed(['hello world'])).vectors[0]]
			`)
		}),
	)
	for (const vector of vectors) expect(vector).toEqual(hello)
	expect(new Set(delivery.chunks).size).toBe(delivery.chunks.length)
	expect(delivery.sent).toBeLessThanOrEqual(bigSize)
})
