// `POST /v1/telemetry`: who may report, what is taken in, and that each report counts once.

import { describe, expect, test } from 'vitest'
import type { KeyedReport } from '../../../runtime/telemetry/wire.ts'
import { figuresOf, valueIn } from '../figures.ts'
import { exampleReport } from '../reports.ts'
import { call, type EdgeUnderTest, keys, pageOrigin, problemOf } from './under-test.ts'

export function telemetrySuite(edge: () => EdgeUnderTest): void {
	/** Posts as `navigator.sendBeacon` does: plain text, no header of one's own. */
	const beacon = (body: string | object, headers: Record<string, string> = { origin: pageOrigin }) =>
		call(edge(), '/v1/telemetry', {
			method: 'POST',
			body: typeof body === 'string' ? body : JSON.stringify(body),
			headers: { 'content-type': 'text/plain;charset=UTF-8', ...headers },
		})

	const report = (more: Partial<KeyedReport> = {}) => exampleReport({ key: keys.publishable, ...more })

	/** What the figures gain by an action that has been answered. */
	async function gained(action: () => Promise<unknown>) {
		const before = await figuresOf(edge())
		await action()
		const after = await figuresOf(edge())
		return (name: string, labels: Record<string, string> = {}) => valueIn(after, name, labels) - valueIn(before, name, labels)
	}

	describe('what a report adds to the figures', () => {
		test('counts and sums, in seconds, under the names of the configuration', async () => {
			const gain = await gained(async () => {
				const response = await beacon(report())
				expect(response.status).toBe(204)
				expect(await response.text()).toBe('')
			})
			const where = { model: 'm', executor: 'device', provider: 'wasm' }
			expect(gain('spillway_page_call_seconds_count', { ...where, device: 'medium' })).toBe(2)
			expect(gain('spillway_page_call_seconds_sum', where)).toBeCloseTo(0.043, 6)
			expect(gain('spillway_page_call_seconds_bucket', { ...where, le: '0.01' })).toBe(0)
			expect(gain('spillway_page_call_seconds_bucket', { ...where, le: '0.025' })).toBe(1)
			expect(gain('spillway_page_call_seconds_bucket', { ...where, le: '+Inf' })).toBe(2)
			expect(gain('spillway_page_queue_seconds_count', where)).toBe(2)
			expect(gain('spillway_page_run_seconds_sum', where)).toBeCloseTo(0.018, 6)
			expect(gain('spillway_page_batch_rows_bucket', { ...where, le: '1' })).toBe(2)
			expect(gain('spillway_page_load_seconds_count', { model: 'm', phase: 'whole' })).toBe(1)
			expect(gain('spillway_page_overflow_total', { model: 'm', executor: 'device', reason: 'loading' })).toBe(3)
			expect(gain('spillway_page_errors_total', { model: 'm', operation: 'embed', code: 'deadline-exceeded' })).toBe(2)
			expect(gain('spillway_page_loaded_bytes_total', { model: 'm', source: 'network' })).toBe(1_000_000)
			expect(gain('spillway_page_reports_total', { browser: 'chromium', cores: '3-4', memory: '8+', isolated: 'false', gpu: 'true' })).toBe(
				1,
			)
		})

		test('a report that comes again is answered alike, and not counted', async () => {
			const again = report()
			const gain = await gained(async () => {
				const answers = await Promise.all([beacon(again), beacon({ ...again, sentAt: again.sentAt + 5000 }), beacon(again)])
				expect(answers.map(({ status }) => status)).toEqual([204, 204, 204])
			})
			expect(gain('spillway_page_reports_total')).toBe(1)
			expect(gain('spillway_page_call_seconds_count', { model: 'm' })).toBe(2)
		})

		test('names and words that no one planned become one: pages cannot make series', async () => {
			const strange = (at: number) => ({
				calls: report().calls.map((one) => ({ ...one, model: `model-${at}`, executor: `gpu-${at}`, provider: `p-${at}` })),
				errors: [{ model: `model-${at}`, operation: `o-${at}`, code: `c-${at}`, count: 1 }],
				overflow: [{ model: 'm', executor: `e-${at}`, reason: `r-${at}`, count: 1 }],
				loads: report().loads.map((one) => ({ ...one, model: `model-${at}`, phase: `phase-${at}` })),
				bytes: [{ model: `model-${at}`, source: `s-${at}`, count: 1 }],
			})
			const send = async (at: number) => {
				const odd = strange(at) as unknown as Partial<KeyedReport>
				expect((await beacon(report(odd))).status).toBe(204)
			}
			await send(0)
			const lines = (await figuresOf(edge())).split('\n').length
			const gain = await gained(async () => {
				for (let at = 1; at < 20; at++) await send(at)
			})
			expect((await figuresOf(edge())).split('\n').length).toBe(lines)
			expect(gain('spillway_page_call_seconds_count', { model: 'other', executor: 'other', provider: 'other' })).toBe(38)
			expect(gain('spillway_page_errors_total', { model: 'other', operation: 'other', code: 'other' })).toBe(19)
		})

		test("a clock that is wrong does not matter, only a report's age by its own clock does", async () => {
			const wrong = Date.now() - 400 * 86_400_000
			expect((await beacon(report({ madeAt: wrong, sentAt: wrong + 1000 }))).status).toBe(204)
			const gain = await gained(async () => {
				const response = await beacon(report({ madeAt: wrong, sentAt: wrong + 25 * 3_600_000 }))
				expect(response.status).toBe(400)
				expect(await problemOf(response)).toMatchObject({ code: 'invalid-input', detail: expect.stringContaining('madeAt') })
			})
			expect(gain('spillway_page_reports_total')).toBe(0)
		})
	})

	describe('spans', () => {
		interface Kept {
			resource: { attributes: { value: { stringValue: string } }[] }
			scopeSpans: { spans: { traceId: string; spanId: string; parentSpanId?: string; startTimeUnixNano: string; name: string }[] }[]
		}

		/** The spans of a trace, by who saw them. */
		async function spansOf(trace: string) {
			const response = await call(edge(), '/v1/telemetry', { key: keys.metrics })
			expect(response.status).toBe(200)
			const { resourceSpans } = (await response.json()) as { resourceSpans: Kept[] }
			return resourceSpans.flatMap(({ resource, scopeSpans }) =>
				scopeSpans
					.flatMap(({ spans }) => spans)
					.filter(({ traceId }) => traceId === trace)
					.map((span) => ({ service: resource.attributes[0]?.value.stringValue, start: Number(span.startTimeUnixNano) / 1e6, ...span })),
			)
		}

		test('that cannot have been are left out: times that OTLP has no numbers for would spoil all', async () => {
			const [now, strange] = [Date.now(), newTrace()]
			for (const [start, sentAt] of [
				[8.64e15, now],
				[0, now],
				[0, 8.64e15],
				[8.64e15, 0],
			] as const)
				expect((await beacon(report({ spans: [spanIn(strange, start)], madeAt: sentAt, sentAt }))).status).toBe(204)
			expect(await spansOf(strange)).toEqual([])
		})

		const newTrace = () => crypto.randomUUID().replaceAll('-', '')
		const spanIn = (trace: string, start: number) => ({ ...report().spans[0], trace, start }) as KeyedReport['spans'][number]

		test("a page's and the edge's join in one trace, when the page records it", async () => {
			const [recorded, other] = [newTrace(), newTrace()]
			for (const [trace, flags] of [
				[recorded, '01'],
				[other, '00'],
			]) {
				const headers = { traceparent: `00-${trace}-b7ad6b7169203331-${flags}` }
				expect((await call(edge(), '/v1/tasks/embed', { key: keys.secret, json: { model: 'm', input: ['hello'] }, headers })).status).toBe(
					200,
				)
			}
			await beacon(report({ spans: [spanIn(recorded, Date.now() - 50)] }))
			await expect.poll(async () => (await spansOf(recorded)).length).toBe(2)
			const [page, here] = await spansOf(recorded)
			expect(page).toMatchObject({ service: 'spillway-page', spanId: 'b7ad6b7169203331', name: 'embed m' })
			expect(here).toMatchObject({ service: 'spillway-edge', parentSpanId: page?.spanId, name: 'task m' })
			expect(await spansOf(other)).toEqual([])
		})

		test("stand at the edge's time, whatever the page's clock says", async () => {
			for (const skew of [0, -300_000, 86_400_000 * 400]) {
				const trace = newTrace()
				const now = Date.now() + skew
				await beacon(report({ madeAt: now, sentAt: now, spans: [spanIn(trace, now - 5000)] }))
				const [span] = await spansOf(trace)
				expect(Math.abs((span?.start ?? 0) - (Date.now() - 5000)), `${skew}`).toBeLessThan(3000)
			}
		})

		test('are for those who may read the figures', async () => {
			expect((await call(edge(), '/v1/telemetry')).status).toBe(401)
			expect((await call(edge(), '/v1/telemetry', { key: keys.secret })).status).toBe(403)
		})
	})

	describe('who may report', () => {
		test('a key in the body or in a header; in pages of its origins only', async () => {
			const keyless = report({ key: undefined })
			expect((await beacon(keyless)).status).toBe(401)
			expect((await beacon(report({ key: 'pk_wrong' }))).status).toBe(401)
			expect((await beacon(keyless, { origin: pageOrigin, authorization: `Bearer ${keys.publishable}` })).status).toBe(204)
			expect((await beacon(report(), { origin: 'https://evil.example' })).status).toBe(403)
			expect((await beacon(report({ key: keys.metrics }), {})).status).toBe(403)
			expect((await beacon(report({ key: keys.secret }), {})).status).toBe(204)
		})

		test('a page may read the answer, and needs no preflight', async () => {
			const response = await beacon(report())
			expect(response.headers.get('access-control-allow-origin')).toBe('*')
		})

		test('reports have a quota of their own: they take nothing from the calls', async () => {
			// Three calls a minute; what earlier suites have left of them is not known.
			for (let i = 0; i < 5; i++) expect((await beacon(report({ key: keys.limited }), {})).status).toBe(204)
			expect((await beacon(report({ key: keys.few }), {})).status).toBe(204)
			const used = []
			for (let i = 0; i < 2; i++) used.push((await call(edge(), '/openai/v1/models', { key: keys.few })).status)
			expect(used).toEqual([200, 200])
		})
	})

	describe('what is refused', () => {
		test('more than 64 KiB', async () => {
			const response = await beacon(`${JSON.stringify(report())}${' '.repeat(65_536)}`)
			expect(response.status).toBe(413)
			expect((await problemOf(response)).code).toBe('too-large')
		})

		test('what is no report, with the place', async () => {
			const { key } = report()
			const wrong: [string | object, string, RegExp][] = [
				['{', 'unauthenticated', /key/],
				[{ key }, 'invalid-input', /format/],
				[report({ id: 'x' }), 'invalid-input', /^id/],
				[report({ calls: new Array(25).fill(report().calls[0]) }), 'invalid-input', /^calls/],
				[report({ loads: [{ model: 'm', phase: 'whole', time: { counts: [1], sum: 1 } }] }), 'invalid-input', /^loads\.0\.time\.counts/],
				[report({ errors: [{ model: 'm', operation: 'embed', code: 'internal', count: 1e9 }] }), 'invalid-input', /^errors\.0\.count/],
				[report({ bytes: [{ model: 'x'.repeat(65), source: 'network', count: 1 }] }), 'invalid-input', /^bytes\.0\.model/],
			]
			for (const [body, code, place] of wrong) {
				const problem = await problemOf(await beacon(body))
				expect(problem).toMatchObject({ code, detail: expect.stringMatching(place) })
			}
		})

		test('sums that such counts cannot have', async () => {
			const [load] = report().loads
			for (const sum of [1e15, 1, -1]) {
				const loads = [{ ...load, time: { ...load?.time, sum } }] as KeyedReport['loads']
				expect((await beacon(report({ loads }))).status, `${sum}`).toBe(400)
			}
		})
	})
}
