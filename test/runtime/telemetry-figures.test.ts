// What a page adds up: histograms that can be merged in any order, a ring, and a report that stays small whatever the page does.

import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { type ReceivedReport, reportSchema } from '../../edge/telemetry/schema.ts'
import { deviceClass } from '../../runtime/telemetry/device.ts'
import { makeRecorder } from '../../runtime/telemetry/recorder.ts'
import { bodyOf, makeReport } from '../../runtime/telemetry/report.ts'
import { makeRing } from '../../runtime/telemetry/ring.ts'
import { followLoads } from '../../runtime/telemetry/timeline.ts'
import { type KeyedReport, maxReportBytes, most, type ReportSpan } from '../../runtime/telemetry/wire.ts'
import { callBounds, countOf, emptyHistogram, type Histogram, merged, withValue } from '../../runtime/telemetry/wire-histogram.ts'
import { answered, anyCall, failed, ranHere } from './telemetry-observations.ts'

const histogramOf = (values: readonly number[]) =>
	values.reduce((sum, value) => withValue(sum, callBounds, value), emptyHistogram(callBounds))
const values = fc.array(fc.integer({ min: 0, max: 100_000 }))

describe('histograms', () => {
	test('merge in any order and grouping, as if all had been counted in one', () =>
		fc.assert(
			fc.property(values, values, values, (a, b, c) => {
				const [x, y, z] = [a, b, c].map(histogramOf) as [Histogram, Histogram, Histogram]
				expect(merged(merged(x, y), z)).toEqual(merged(x, merged(y, z)))
				expect(merged(x, y)).toEqual(merged(y, x))
				expect(merged(x, emptyHistogram(callBounds))).toEqual(x)
				expect(merged(merged(x, y), z)).toEqual(histogramOf([...a, ...b, ...c]))
				expect(countOf(histogramOf(a))).toBe(a.length)
			}),
		))

	test('a value counts up to its bound, and over the last one in the end', () => {
		expect(histogramOf([1]).counts[0]).toBe(1)
		expect(histogramOf([1.001]).counts[1]).toBe(1)
		expect(histogramOf([1e9]).counts.at(-1)).toBe(1)
	})
})

test('a ring holds the last ones, oldest first, and is empty when they were taken', () =>
	fc.assert(
		fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 10 }), (items, capacity) => {
			const ring = makeRing<number>(capacity)
			for (const item of items) {
				ring.push(item)
				expect(ring.size).toBeLessThanOrEqual(capacity)
			}
			expect(ring.take()).toEqual(items.slice(-capacity))
			expect(ring.take()).toEqual([])
		}),
	))

const about = { version: '0.1.0', ...deviceClass({ hardwareConcurrency: 4, userAgent: 'Firefox/140.0' }, false) }
const sum = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((total, item) => total + of(item), 0)

describe('a report', () => {
	test('counts every call, fits its schema and the limit, and survives the way, whatever the calls were', () =>
		fc.assert(
			fc.property(fc.array(anyCall, { maxLength: 300 }), fc.boolean(), (calls, fill) => {
				const recorder = makeRecorder()
				// Many of one kind, so that the lists are full now and then.
				for (const call of fill ? [...calls, ...calls, ...calls] : calls) recorder.call(call, call.start + 5)
				const told = fill ? calls.length * 3 : calls.length
				const report = makeReport(about, recorder.take(), Date.now())
				expect(recorder.empty).toBe(true)
				expect(sum(report.calls, ({ total }) => countOf(total)) + sum(report.errors, ({ count }) => count)).toBe(told)
				const body = bodyOf(report, 'pk_key', Date.now())
				expect(new TextEncoder().encode(body).byteLength).toBeLessThanOrEqual(maxReportBytes)
				const received = reportSchema.parse(JSON.parse(body))
				expect(received.calls).toEqual(report.calls)
				expect(received.errors).toEqual(report.errors)
				expect(received.overflow).toEqual(report.overflow)
			}),
			{ numRuns: 60 },
		))

	test('even when every list of it is full of the longest names, the figures arrive', () => {
		const recorder = makeRecorder()
		const long = (at: number) => `${at}${'ü"'.repeat(60)}`
		for (let at = 0; at < 500; at++) {
			const overflow = Array.from({ length: 12 }, (_, i) => ({ executor: long(at + i), reason: 'queue' as const }))
			const ran = { ...ranHere, executor: long(at), provider: long(at), version: long(at), variant: long(at), overflow }
			recorder.call(answered({ model: `m${at}`.padEnd(64, 'x'), ran }), 1e7)
			recorder.call(failed('network', { model: `m${at}` }), 1e7)
			const load = { type: 'load' as const, model: `m${at}`, start: 0 }
			recorder.load(load, 1e7, { phases: [{ phase: 'files', start: 0, time: 1e6 }], downloaded: 1e9, stored: 1e9 })
		}
		expect(recorder.full).toBe(true)
		const report = makeReport(about, recorder.take(), Date.now())
		for (const name of ['calls', 'loads', 'overflow', 'errors', 'bytes', 'spans'] as const)
			expect(report[name].length, name).toBeLessThanOrEqual(most[name])
		const body = bodyOf(report, `pk_${'k'.repeat(43)}`, Date.now())
		expect(new TextEncoder().encode(body).byteLength).toBeLessThanOrEqual(maxReportBytes)
		const received = reportSchema.parse(JSON.parse(body))
		expect(sum(received.calls, ({ total }) => countOf(total))).toBe(500)
		expect(sum(received.errors, ({ count }) => count)).toBe(500)
		expect(received.calls.at(-1)).toMatchObject({ model: 'other', executor: 'other', provider: 'other' })
	})

	test('has the same type at both ends', () => {
		expectTypeOf<KeyedReport>().toExtend<Deep<ReceivedReport>>()
		expectTypeOf<keyof KeyedReport>().toEqualTypeOf<keyof ReceivedReport>()
		expectTypeOf<keyof ReportSpan>().toEqualTypeOf<keyof ReceivedReport['spans'][number]>()
	})

	test('the course of a call: sampled ones, and those that failed for another reason than that they were called off', () => {
		const recorder = makeRecorder()
		recorder.call(answered(), 112)
		recorder.call(answered({ trace: failed('internal').trace }), 112)
		for (const code of ['network', 'aborted', 'disposed'] as const) recorder.call(failed(code), 112)
		const { spans } = recorder.take()
		expect(spans.map(({ error }) => error ?? 'none')).toEqual(['none', 'network'])
		expect(spans[0]).toMatchObject({ operation: 'embed', model: 'minilm', duration: 12, executor: 'device', run: 10, batch: 4 })
		expect(spans[0]?.start).toBeCloseTo(performance.timeOrigin + 100, 0)
	})
})

/** Read-only all the way down. */
type Deep<T> = T extends object ? { readonly [K in keyof T]: Deep<T[K]> } : T

describe('the course of a load', () => {
	const progress = (phase: 'channel' | 'files' | 'session' | 'ready', loaded = 0, stored = 0) => ({
		model: 'minilm',
		phase,
		loaded,
		stored,
		total: 100,
		left: null,
	})

	test('how long each phase took, and where the bytes came from', () => {
		const loads = followLoads()
		loads.progress(progress('channel'), 10)
		loads.progress(progress('files', 10, 5), 30)
		loads.progress(progress('files', 100, 40), 80)
		loads.progress(progress('session', 100, 40), 90)
		expect(loads.end('minilm', 100)).toEqual({
			phases: [
				{ phase: 'channel', start: 10, time: 20 },
				{ phase: 'files', start: 30, time: 60 },
				{ phase: 'session', start: 90, time: 10 },
			],
			downloaded: 60,
			stored: 40,
		})
	})

	test('a model that was there had none, also when its last word came late', () => {
		const loads = followLoads()
		loads.progress(progress('channel'), 10)
		loads.progress(progress('ready'), 30)
		expect(loads.end('minilm', 40)?.phases).toEqual([{ phase: 'channel', start: 10, time: 20 }])
		loads.progress(progress('ready'), 41)
		expect(loads.end('minilm', 50)).toBeUndefined()
	})
})

test('a device is told of by classes that many share', () => {
	expect(deviceClass({ hardwareConcurrency: 6, deviceMemory: 8, gpu: {}, userAgent: 'Chrome/156.0.1' }, true)).toEqual({
		build: 'Chromium 156',
		device: { browser: 'chromium', cores: '5-8', memory: '8+', isolated: true, gpu: true },
	})
	expect(deviceClass({ userAgent: 'Mozilla/5.0 Version/26.1 Mobile/15E148 Safari/604.1' }, false)).toEqual({
		build: 'Safari 26',
		device: { browser: 'safari', cores: 'unknown', memory: 'unknown', isolated: false, gpu: false },
	})
	expect(deviceClass({ hardwareConcurrency: 2, deviceMemory: 0.5, userAgent: 'curl' }, false)).toMatchObject({
		build: 'other',
		device: { cores: '1-2', memory: '<4' },
	})
})
