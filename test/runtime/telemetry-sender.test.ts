// Reports on their way: to a real edge, over a line that fails in every way there is. Each that was made arrives, and counts once.

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryReports } from '../../edge/telemetry/reports.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import type { Records } from '../../runtime/store/storage/storage.ts'
import { makeOutbox } from '../../runtime/telemetry/outbox.ts'
import { makeSender, type SenderOptions } from '../../runtime/telemetry/sender.ts'
import { maxReportAge, type Report } from '../../runtime/telemetry/wire.ts'
import { figuresOf, valueIn } from '../edge/figures.ts'
import { startLocal } from '../edge/local.ts'
import { exampleReport } from '../edge/reports.ts'
import { keys } from '../edge/suites/under-test.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

/** What a page can meet on its way. */
type Weather = 'fine' | 'lost before' | 'lost after' | 'unavailable' | 'limited'

interface Page {
	sender: ReturnType<typeof makeSender>
	records: Records
	/** In order; fine when there are no more. */
	weather: Weather[]
	/** Statuses that came back. */
	seen: (number | 'none')[]
	beacons: string[]
	/** Moves the clock on. */
	wait(milliseconds: number): void
	state: { online: boolean; beacons: boolean }
}

function openPage(records = memoryStorage().records, more: Pick<Partial<SenderOptions>, 'key'> = {}): Page {
	let time = Date.now()
	const state = { online: true, beacons: true }
	const weather: Weather[] = []
	const seen: (number | 'none')[] = []
	const beacons: string[] = []
	const now = () => time
	const sender = makeSender({
		url: `${edge.url}/v1/telemetry`,
		key: keys.demo,
		outbox: makeOutbox(records, `${edge.url}/v1/telemetry`, now),
		async fetch(url, init) {
			const today = weather.shift() ?? 'fine'
			if (today === 'lost before') {
				seen.push('none')
				throw new TypeError('Failed to fetch')
			}
			if (today === 'limited' || today === 'unavailable') {
				const status = today === 'limited' ? 429 : 503
				seen.push(status)
				return new Response(null, { status, headers: today === 'limited' ? { 'retry-after': '60' } : {} })
			}
			const response = await fetch(url, init)
			seen.push(today === 'lost after' ? 'none' : response.status)
			if (today === 'lost after') throw new TypeError('Failed to fetch')
			return response
		},
		beacon(_, body) {
			if (state.beacons) beacons.push(body)
			return state.beacons
		},
		online: () => state.online,
		alone: (work) => work(),
		again: () => {},
		now,
		...more,
	})
	return {
		sender,
		records,
		weather,
		seen,
		beacons,
		wait: (milliseconds) => {
			time += milliseconds
		},
		state,
	}
}

const kept = async (records: Records): Promise<readonly Report[]> =>
	(await records.get<Report[]>(`telemetry ${edge.url}/v1/telemetry`)) ?? []
const counted = async () => valueIn(await figuresOf(edge), 'spillway_page_reports_total')

describe('on the way', () => {
	test('each report counts once, whatever is lost', async () => {
		const weather = fc.array(fc.constantFrom<Weather>('fine', 'lost before', 'lost after', 'unavailable', 'limited'), { maxLength: 12 })
		await fc.assert(
			fc.asyncProperty(weather, fc.integer({ min: 1, max: 4 }), async (weather, reports) => {
				const before = await counted()
				const page = openPage()
				page.weather.push(...weather)
				for (let i = 0; i < reports; i++) await page.sender.send(exampleReport())
				for (let tries = 0; (await kept(page.records)).length > 0; tries++) {
					if (tries > 40) throw new Error(`not sent after ${page.seen}`)
					page.wait(10 * 60_000)
					await page.sender.drain()
				}
				page.sender.stop()
				expect((await counted()) - before).toBe(reports)
			}),
			{ numRuns: 25 },
		)
	})

	test('what failed is tried again after a pause that grows, and not before', async () => {
		const page = openPage()
		page.weather.push('unavailable', 'unavailable')
		await page.sender.send(exampleReport())
		await page.sender.drain()
		expect(page.seen).toEqual([503])
		page.wait(5_000)
		await page.sender.drain()
		expect(page.seen).toEqual([503, 503])
		page.wait(4_900)
		await page.sender.drain()
		expect(page.seen).toEqual([503, 503])
		page.wait(5_100)
		await page.sender.drain()
		expect(page.seen).toEqual([503, 503, 204])
		page.sender.stop()
	})

	test('the edge says when to come back', async () => {
		const page = openPage()
		page.weather.push('limited')
		await page.sender.send(exampleReport())
		page.wait(59_000)
		await page.sender.drain()
		expect(page.seen).toEqual([429])
		page.wait(1_500)
		await page.sender.drain()
		expect(page.seen).toEqual([429, 204])
		page.sender.stop()
	})

	test('a report that the edge refuses is not sent again; the next one is', async () => {
		const page = openPage()
		await page.sender.send(exampleReport({ id: 'no id' }))
		await page.sender.send(exampleReport())
		expect(page.seen).toEqual([400, 204])
		expect(await kept(page.records)).toEqual([])
	})

	test('a key that is not good for it ends the sending', async () => {
		const page = openPage(undefined, { key: 'pk_wrong' })
		await page.sender.send(exampleReport())
		await page.sender.send(exampleReport())
		page.sender.finish(exampleReport())
		expect(page.seen).toEqual([401])
		expect(page.beacons).toEqual([])
	})
})

describe('without a network', () => {
	test('reports are kept, and sent by the next page that has one', async () => {
		const first = openPage()
		first.state.online = false
		const [one, two] = [exampleReport(), exampleReport()]
		await first.sender.send(one)
		first.sender.finish(two)
		first.sender.stop()
		expect(first.seen).toEqual([])
		await expect.poll(async () => (await kept(first.records)).map(({ id }) => id)).toEqual([one.id, two.id])
		expect(JSON.stringify(await kept(first.records))).not.toContain(keys.demo)

		const before = await counted()
		const second = openPage(first.records)
		await second.sender.drain()
		expect((await counted()) - before).toBe(2)
		expect(await kept(first.records)).toEqual([])
	})

	test('few are kept, and not for long', async () => {
		const page = openPage()
		page.state.online = false
		for (let i = 0; i < 30; i++) await page.sender.send(exampleReport())
		expect(await kept(page.records)).toHaveLength(20)
		page.wait(maxReportAge + 10_000)
		page.state.online = true
		await page.sender.drain()
		expect(page.seen).toEqual([])
		await page.sender.send(exampleReport({ madeAt: Date.now() + maxReportAge }))
		expect(page.seen).toEqual([204])
		expect(await kept(page.records)).toEqual([])
	})
})

test('what one edge was to be told, no other one is', async () => {
	const { records } = memoryStorage()
	const sent: string[] = []
	const to = (url: string, status: number) =>
		makeSender({
			url,
			key: 'pk_1',
			outbox: makeOutbox(records, url, Date.now),
			async fetch(url, init) {
				sent.push(`${url} ${JSON.parse(init?.body as string).id}`)
				return new Response(null, { status })
			},
			online: () => true,
			alone: (work) => work(),
			again: () => {},
			now: Date.now,
		})
	const down = to('https://a.example/', 503)
	await down.send(exampleReport({ id: 'one' }))
	down.stop()
	await to('https://b.example/', 204).send(exampleReport({ id: 'two' }))
	await to('https://a.example/', 204).drain()
	expect(sent).toEqual(['https://a.example/ one', 'https://b.example/ two', 'https://a.example/ one'])
})

describe('at the end of a page', () => {
	test('the browser is handed the report, with the key in it', async () => {
		const page = openPage()
		const report = exampleReport()
		page.sender.finish(report)
		expect(page.beacons.map((body) => JSON.parse(body))).toMatchObject([{ id: report.id, key: keys.demo }])
	})

	test('a report that the browser does not take is kept', async () => {
		const page = openPage()
		page.state.beacons = false
		page.sender.finish(exampleReport())
		await expect.poll(() => kept(page.records)).toHaveLength(1)
	})
})

describe('what the edge remembers', () => {
	test('a report for a day, and many of them', () => {
		let time = 0
		const reports = memoryReports(() => time, 3)
		expect([reports.first('a'), reports.first('a'), reports.first('b'), reports.first('a')]).toEqual([true, false, true, false])
		time = maxReportAge - 1
		expect(reports.first('a')).toBe(false)
		time = maxReportAge
		expect(reports.first('a')).toBe(true)
	})

	test('when there are too many, the oldest are forgotten first', () => {
		const reports = memoryReports(() => 0, 3)
		for (const id of ['a', 'b', 'c', 'd']) expect(reports.first(id)).toBe(true)
		expect(reports.first('d')).toBe(false)
		expect(reports.first('c')).toBe(false)
	})
})
