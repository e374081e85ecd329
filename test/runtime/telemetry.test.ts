// What becomes of observations: entries for the browser's tools, spans for the application's tracer, reports when they may be made.

import { type Tracer as RealTracer, trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { reportSchema } from '../../edge/telemetry/schema.ts'
import { isTraceParent } from '../../runtime/core/trace.ts'
import { pageTelemetry } from '../../runtime/page/telemetry.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import { deviceClass } from '../../runtime/telemetry/device.ts'
import { later } from '../../runtime/telemetry/later.ts'
import type { Tracer } from '../../runtime/telemetry/options.ts'
import { makeOutbox } from '../../runtime/telemetry/outbox.ts'
import { makeRecorder } from '../../runtime/telemetry/recorder.ts'
import { makeReport } from '../../runtime/telemetry/report.ts'
import { makeSender, type Sender } from '../../runtime/telemetry/sender.ts'
import { makeTelemetry, type TelemetryParts } from '../../runtime/telemetry/telemetry.ts'
import type { Report } from '../../runtime/telemetry/wire.ts'
import { countOf } from '../../runtime/telemetry/wire-histogram.ts'
import { exampleReport } from '../edge/reports.ts'
import { answered, failed, ranHere } from './telemetry-observations.ts'

const entries = () => performance.getEntriesByType('measure').filter(({ name }) => name.startsWith('spillway '))

/** Telemetry whose reports are collected. */
function make(more: Partial<TelemetryParts> = {}) {
	const sent: Report[] = []
	const finished: Report[] = []
	const { records } = memoryStorage()
	const outbox = makeOutbox(records, 'https://edge.example.com/v1/telemetry', Date.now)
	const sender: Sender = {
		async send(report) {
			sent.push(report)
		},
		drain: vi.fn(async () => {}),
		finish: (report) => finished.push(report),
		stop: vi.fn(),
	}
	const about = { version: '0.1.0', ...deviceClass({}, false) }
	const telemetry = makeTelemetry({
		edge: 'https://edge.example.com/',
		reporting: { about, sender, outbox },
		timeline: performance,
		now: Date.now,
		...more,
	} as TelemetryParts)
	return { telemetry, sent, finished, outbox, sender }
}

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
	vi.useRealTimers()
	performance.clearMeasures()
})

describe('observations', () => {
	test('are looked at in tasks of their own, in order, not too many in one; all at once when asked to', async () => {
		const seen: number[] = []
		const { observe, flush } = later((_, at) => seen.push(at))
		const call = answered()
		for (let at = 0; at < 250; at++) observe(call, at)
		expect(seen).toEqual([])
		expect(vi.getTimerCount()).toBe(1)
		await vi.advanceTimersToNextTimerAsync()
		expect(seen).toHaveLength(100)
		observe(call, 250)
		flush()
		expect(seen).toEqual(Array.from({ length: 251 }, (_, at) => at))
		expect(vi.getTimerCount()).toBe(0)
	})

	test('wait in bounded number, though the timers of a hidden page do not come', () => {
		let seen = 0
		const { observe } = later(() => seen++)
		for (let i = 0; i < 5000; i++) observe(answered(), 112)
		expect(5000 - seen).toBeLessThanOrEqual(1000)
	})

	test('one that cannot be looked at, by the fault of a tracer, does not keep the others from it', () => {
		const said = vi.spyOn(console, 'error').mockImplementation(() => {})
		const seen: number[] = []
		const { observe, flush } = later((_, at) => {
			if (at === 1) throw new Error('broken')
			seen.push(at)
		})
		for (let at = 0; at < 3; at++) observe(answered(), at)
		flush()
		expect(seen).toEqual([0, 2])
		expect(said).toHaveBeenCalledTimes(1)
		said.mockRestore()
	})
})

describe('when reports are made', () => {
	test('half a minute after something happened, and not while nothing does', async () => {
		const { telemetry, sent } = make()
		expect(vi.getTimerCount()).toBe(0)
		telemetry.observe(answered(), 112)
		telemetry.observe(answered(), 113)
		expect(vi.getTimerCount()).toBe(1)
		await vi.advanceTimersByTimeAsync(23_000)
		expect(sent).toEqual([])
		await vi.advanceTimersByTimeAsync(14_000)
		expect(sent.map(({ calls }) => calls.map(({ total }) => countOf(total)))).toEqual([[2]])
		expect(vi.getTimerCount()).toBe(0)
	})

	test('sooner when there is more to tell than fits', async () => {
		const { telemetry, sent } = make()
		for (let i = 0; i < 64; i++) telemetry.observe(answered(), 112)
		await vi.advanceTimersByTimeAsync(0)
		expect(sent).toHaveLength(1)
		// But not again at once.
		for (let i = 0; i < 64; i++) telemetry.observe(answered(), 112)
		await vi.advanceTimersByTimeAsync(0)
		expect(sent).toHaveLength(1)
		await telemetry.stop()
	})

	test('at once when the page is hidden, within the handler; and when the runtime is disposed', async () => {
		const { telemetry, finished, sender } = make()
		telemetry.observe(answered(), 112)
		telemetry.finish()
		expect(finished).toHaveLength(1)
		telemetry.finish()
		telemetry.observe(failed('network'), 112)
		await telemetry.stop()
		expect(finished).toHaveLength(2)
		expect(sender.stop).toHaveBeenCalled()
		telemetry.observe(answered(), 112)
		expect(vi.getTimerCount()).toBe(0)
	})

	test('no call under device-only is told of, whatever the others are under', async () => {
		const { telemetry, finished } = make()
		telemetry.observe(answered({ policy: 'device-only', model: 'secret' }), 112)
		telemetry.observe(failed('network', { policy: 'device-only', model: 'secret' }), 112)
		telemetry.finish()
		expect(finished).toEqual([])
		telemetry.observe(answered(), 112)
		telemetry.finish()
		expect(JSON.stringify(finished)).not.toContain('secret')
	})

	test('a model that was there is no load', () => {
		const { telemetry, finished } = make()
		telemetry.observe({ type: 'load', model: 'minilm', start: 1 }, 2)
		telemetry.finish()
		expect(finished).toEqual([])
		telemetry.observe({ type: 'load', model: 'minilm', start: 1, error: 'environment' }, 2)
		telemetry.finish()
		expect(finished[0]?.errors).toEqual([{ model: 'minilm', operation: 'load', code: 'environment', count: 1 }])
	})
})

describe('consent', () => {
	test('is asked each time; a refusal throws away what was recorded and what was kept', async () => {
		const answers = [true, false, true]
		const consent = vi.fn(() => answers.shift() as boolean)
		const { telemetry, finished, outbox } = make({ consent })
		expect(consent).not.toHaveBeenCalled()
		telemetry.observe(answered(), 112)
		await telemetry.finish()
		expect(finished).toHaveLength(1)
		await outbox.add(exampleReport())
		telemetry.observe(failed('network'), 112)
		await telemetry.finish()
		expect(finished).toHaveLength(1)
		expect(await outbox.first()).toBeUndefined()
		telemetry.observe(answered(), 112)
		await telemetry.finish()
		expect(finished).toHaveLength(2)
		expect(finished[1]?.errors).toEqual([])
		expect(consent).toHaveBeenCalledTimes(3)
	})

	test('may be given later: nothing is reported until then', async () => {
		let give: (answer: boolean) => void = () => {}
		const { telemetry, sent, finished } = make({ consent: () => new Promise<boolean>((resolve) => (give = resolve)) })
		telemetry.observe(answered(), 112)
		await vi.advanceTimersByTimeAsync(60_000)
		telemetry.observe(answered(), 112)
		await telemetry.finish()
		expect([...sent, ...finished]).toEqual([])
		give(true)
		await vi.advanceTimersByTimeAsync(0)
		expect(sent.map(({ calls }) => calls.map(({ total }) => countOf(total)))).toEqual([[2]])
	})

	test('that is taken back reaches what was to be tried again', async () => {
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
		let posted = 0
		const outbox = makeOutbox(memoryStorage().records, 'https://edge.example.com/v1/telemetry', Date.now)
		const sender = makeSender({
			url: 'https://edge.example.com/v1/telemetry',
			key: 'pk_1',
			outbox,
			async fetch() {
				posted++
				return new Response(null, { status: 503 })
			},
			online: () => true,
			alone: (work) => work(),
			again: () => void telemetry.again(),
			now: Date.now,
		})
		let agreed = true
		const about = { version: '0.1.0', ...deviceClass({}, false) }
		const { telemetry } = make({ consent: () => agreed, reporting: { about, sender, outbox } })
		telemetry.observe(answered(), 112)
		await vi.advanceTimersByTimeAsync(60_000)
		const before = posted
		expect(before).toBeGreaterThan(1)
		agreed = false
		await vi.advanceTimersByTimeAsync(600_000)
		expect(posted).toBe(before)
		expect(await outbox.first()).toBeUndefined()
		expect(vi.getTimerCount()).toBe(0)
	})

	test('that is never given leaves nothing behind when the runtime is disposed', async () => {
		const { telemetry } = make({ consent: () => new Promise<boolean>(() => {}) })
		telemetry.observe(answered(), 112)
		telemetry.stop()
		await vi.advanceTimersByTimeAsync(0)
		expect(entries()).toEqual([])
		expect(vi.getTimerCount()).toBe(0)
	})

	test('that fails, or answers anything but true, is none', async () => {
		for (const consent of [() => Promise.reject(new Error('no dialog')), () => 1 as unknown as boolean]) {
			const { telemetry, finished, sender } = make({ consent })
			telemetry.observe(answered(), 112)
			await telemetry.finish()
			await telemetry.again()
			expect(finished).toEqual([])
			expect(sender.drain).not.toHaveBeenCalled()
		}
	})
})

describe("the browser's tools", () => {
	test('show a call, its wait and its run', () => {
		const { telemetry } = make()
		telemetry.observe(answered(), 112)
		const found = entries().map(({ name, startTime, duration }) => [name, startTime, Math.round(duration)])
		expect(found).toEqual([
			['spillway minilm embed', 100, 12],
			['spillway minilm queue', 100, 2],
			['spillway minilm run', 102, 10],
		])
		expect((entries()[0] as PerformanceMeasure).detail).toMatchObject({
			executor: 'device',
			provider: 'wasm',
			devtools: { track: 'Spillway' },
		})
	})

	test('keep a bounded number of entries, and none after the end', async () => {
		const { telemetry } = make({ reporting: null })
		performance.measure('of the application')
		for (let i = 0; i < 500; i++) {
			telemetry.observe(answered(), 112)
			expect(entries().length).toBeLessThanOrEqual(100)
		}
		expect(entries().length).toBeGreaterThan(0)
		await telemetry.stop()
		expect(entries()).toEqual([])
		expect(performance.getEntriesByName('of the application')).toHaveLength(1)
	})
})

describe("the application's OpenTelemetry", () => {
	const exporter = new InMemorySpanExporter()
	const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('app')
	afterEach(() => exporter.reset())

	test('a tracer without a provider, or one that throws, costs neither calls nor reports', () => {
		const broken = {
			startSpan() {
				throw new Error('broken')
			},
		}
		for (const tracer of [trace.getTracer('no provider'), broken]) {
			const assets = { telemetry: 'data:text/javascript,export const startTelemetry = () => () => {}' }
			const page = pageTelemetry({ telemetry: { tracer }, assets } as never, new AbortController().signal)
			const call = page.watch({ operation: 'embed', model: 'minilm', policy: 'prefer-device' })
			expect(isTraceParent(call.trace)).toBe(true)
			call.end(undefined, 'network')
			const recorder = makeRecorder()
			recorder.call(failed('network', { trace: call.trace }), 112)
			const report = makeReport({ version: '0.1.0', ...deviceClass({}, false) }, recorder.take(), Date.now())
			expect(reportSchema.safeParse(report)).toMatchObject({ success: true })
		}
	})

	test('its tracer fits', () => expectTypeOf<RealTracer>().toExtend<Tracer>())

	test('gets a span for a call, by the semantic conventions', () => {
		const { telemetry } = make({ reporting: null, tracer })
		const ran = { ...ranHere, executor: 'gpu-a', hops: 2, overflow: [{ executor: 'device', reason: 'loading' as const }] }
		telemetry.observe(answered({ span: tracer.startSpan('spillway minilm'), ran }), performance.now())
		const [span] = exporter.getFinishedSpans()
		expect(span?.name).toBe('embeddings minilm')
		expect(span?.attributes).toMatchObject({
			'gen_ai.operation.name': 'embeddings',
			'gen_ai.request.model': 'minilm',
			'gen_ai.response.model': 'minilm@1.0.0',
			'server.address': 'edge.example.com',
			'server.port': 443,
			'spillway.executor': 'gpu-a',
			'spillway.provider': 'wasm',
			'spillway.run': 10,
			'spillway.batch': 4,
			'spillway.overflow': ['device: loading'],
		})
		expect(span?.status.code).toBe(0)
	})

	test('a call that failed, a load, and a call that ends after the runtime', async () => {
		const { telemetry } = make({ reporting: null, tracer })
		telemetry.observe(failed('network', { operation: 'infer', span: tracer.startSpan('x') }), performance.now())
		telemetry.observe({ type: 'progress', model: 'minilm', phase: 'channel', loaded: 0, stored: 0, total: 0, left: null }, 10)
		telemetry.observe({ type: 'progress', model: 'minilm', phase: 'files', loaded: 7, stored: 3, total: 7, left: null }, 20)
		telemetry.observe({ type: 'load', model: 'minilm', start: 5 }, 50)
		await telemetry.stop()
		telemetry.observe(failed('disposed', { span: tracer.startSpan('y') }), performance.now())
		const [call, load, late] = exporter.getFinishedSpans()
		expect(call?.name).toBe('infer minilm')
		expect(call?.attributes).toMatchObject({ 'error.type': 'network' })
		expect(call?.status).toMatchObject({ code: 2, message: 'network' })
		expect(load?.attributes).toMatchObject({
			'spillway.operation': 'load',
			'spillway.load.channel': 10,
			'spillway.load.files': 30,
			'spillway.downloaded': 4,
			'spillway.stored': 3,
		})
		expect(load?.duration[1]).toBe(45e6)
		expect(late?.attributes).toMatchObject({ 'error.type': 'disposed' })
	})
})
