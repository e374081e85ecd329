// Delivery into a real browser: what goes wrong on the way ends as the table says, wherever models come from, and never in a wrong answer.

import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import { channel, chunks, context, delivery, ever, manifest, models, open, outcome, shifted, spoilSome } from './delivery-visit.ts'
import { pageHtml, runtimeFolder } from './page.ts'
import { type Fault, serveSite } from './site.ts'

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
