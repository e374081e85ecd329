// The rules of batching, by themselves: order, which rows go together, when to wait, and what is learned from measured runs.

import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { Arrivals, worthWaiting } from '../../runtime/batch/arrivals.ts'
import { type Bounds, formed, mostRowsOf, type Waiting } from '../../runtime/batch/forming.ts'
import { inTurn } from '../../runtime/batch/in-turn.ts'
import { layoutOf } from '../../runtime/batch/layout.ts'
import { placeOf, RowQueue } from '../../runtime/batch/queue.ts'
import { Sizing } from '../../runtime/batch/sizing.ts'
import { Speed } from '../../runtime/batch/speed.ts'
import { provenance } from '../../runtime/core/call.ts'
import { PaceMeter } from '../../runtime/session/pace.ts'
import { echoing } from './batch-inner.ts'

const row = (length: number, more: Partial<Waiting> = {}): Waiting => ({
	form: 'text',
	sizes: [length],
	units: length,
	alone: false,
	...more,
})

const ran = (run: number | null, provider = 'wasm') => ({ ...provenance('device', { name: 'm' }), run, provider })

/** As if so many runs had been measured. */
function speedOf(fixed: number, perUnit: number): Speed {
	const speed = new Speed()
	for (let units = 5; units < 100; units += 5) speed.add(units, ran(fixed + perUnit * units))
	return speed
}

const bounds = (more: Partial<Bounds> = {}): Bounds => ({
	maxBatch: undefined,
	mostRows: Number.POSITIVE_INFINITY,
	maxWork: 2048,
	width: 1,
	speed: new Speed(),
	...more,
})
const lengths = (rows: readonly Waiting[]) => rows.map(({ units }) => units)

describe('which rows share a run', () => {
	test('before anything was measured: near-equal ones, eight at most', () => {
		expect(
			lengths(
				formed(
					[20, 5, 21, 60, 20, 24, 40].map((length) => row(length)),
					bounds(),
				),
			),
		).toEqual([20, 20, 21])
		expect(
			formed(
				new Array(50).fill(0).map(() => row(5)),
				bounds(),
			),
		).toHaveLength(8)
	})

	test('as long as padding costs less than a run of their own', () => {
		const rows = [20, 30, 40, 50].map((length) => row(length))
		expect(lengths(formed(rows, bounds({ speed: speedOf(1, 1) })))).toEqual([20])
		expect(lengths(formed(rows, bounds({ speed: speedOf(10, 0.7) })))).toEqual([20, 30])
		expect(lengths(formed(rows, bounds({ speed: speedOf(10, 0.05) })))).toEqual([20, 30, 40, 50])
	})

	test('a batch is as large as pays: some eight texts in WebAssembly, many where a run has a high fixed cost', () => {
		expect(mostRowsOf(20, bounds({ speed: speedOf(2.5, 0.55) }))).toBeGreaterThan(5)
		expect(mostRowsOf(20, bounds({ speed: speedOf(2.5, 0.55) }))).toBeLessThan(12)
		expect(mostRowsOf(20, bounds({ speed: speedOf(10, 0.02) }))).toBe(256)
		expect(mostRowsOf(20, bounds({ speed: speedOf(0.01, 0.5) }))).toBe(1)
		expect(mostRowsOf(20, bounds({ speed: speedOf(0.01, 0.5), maxBatch: 32 }))).toBe(32)
	})

	test('what waits is shared out over the places', () => {
		const rows = new Array(8).fill(0).map(() => row(20))
		expect(formed(rows, bounds({ speed: speedOf(2.5, 0.55), width: 4 }))).toHaveLength(2)
	})

	test('one whose batch failed runs alone', () => {
		expect(formed([row(5, { alone: true }), row(5)], bounds())).toHaveLength(1)
		expect(formed([row(5), row(5, { alone: true }), row(5)], bounds())).toHaveLength(2)
	})

	test('always the first one, one form, within all bounds, and with bounded padding', () => {
		const waiting = fc.record({ form: fc.constantFrom('a', 'b'), length: fc.integer({ min: 1, max: 300 }) })
		const any = fc.record({
			fixed: fc.double({ min: 0, max: 50, noNaN: true }),
			perUnit: fc.double({ min: 0.001, max: 2, noNaN: true }),
			width: fc.integer({ min: 1, max: 4 }),
			maxBatch: fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }),
		})
		fc.assert(
			fc.property(fc.array(waiting, { minLength: 1, maxLength: 60 }), any, (all, { fixed, perUnit, ...more }) => {
				const queue = all.map(({ form, length }) => row(length, { form }))
				const limits = bounds({ ...more, speed: speedOf(fixed, perUnit) })
				const batch = formed(queue, limits)
				expect(batch[0]).toBe(queue[0])
				expect(new Set(batch).size).toBe(batch.length)
				expect(new Set(batch.map(({ form }) => form)).size).toBe(1)
				const longest = Math.max(...lengths(batch))
				if (batch.length > 1) {
					expect(batch.length * longest).toBeLessThanOrEqual(limits.maxWork)
					expect(batch.length).toBeLessThanOrEqual(limits.maxBatch ?? 256)
				}
				const padding = batch.length * longest - lengths(batch).reduce((a, b) => a + b)
				expect(padding).toBeLessThanOrEqual((batch.length - 1) * limits.speed.fixedUnits + 1e-6)
			}),
		)
	})
})

describe('the order', () => {
	test('the shorter first, within its priority', () => {
		expect(placeOf(0, 5)).toBeLessThan(placeOf(0, 50))
		expect(placeOf(0, 50, 'high')).toBeLessThan(placeOf(0, 5, 'normal'))
		expect(placeOf(0, 50, 'normal')).toBeLessThan(placeOf(0, 5, 'low'))
	})

	test('none starves: what comes long after never goes before, whatever its length and priority', () => {
		const priority = fc.constantFrom('high', 'normal', 'low') as fc.Arbitrary<'high' | 'normal' | 'low'>
		const work = fc.double({ min: 0, max: 1e6, noNaN: true })
		fc.assert(
			fc.property(work, work, priority, priority, (first, second, one, other) => {
				expect(placeOf(0, first, one)).toBeLessThanOrEqual(placeOf(30_001, second, other))
			}),
		)
	})

	test('a queue keeps it, and what stands equal keeps the order in which it came', () => {
		fc.assert(
			fc.property(fc.array(fc.record({ place: fc.nat(5), units: fc.nat(9) }), { maxLength: 30 }), fc.nat(), (rows, which) => {
				const queue = new RowQueue<(typeof rows)[number]>()
				for (const one of rows) queue.add(one)
				expect(queue.rows).toEqual([...rows].sort((a, b) => a.place - b.place))
				const gone = rows.filter((_, index) => (which >> (index % 16)) & 1)
				queue.remove(gone)
				expect(queue.rows).toEqual(rows.filter((one) => !gone.includes(one)).sort((a, b) => a.place - b.place))
				expect(queue.units).toBe(queue.rows.reduce((sum, { units }) => sum + units, 0))
			}),
		)
	})
})

describe('waiting for more', () => {
	const wait = { gap: 2, since: 0, due: 3, rows: 1, waited: 0, fixed: 10, maxWait: undefined }

	test('pays while all that wait lose less than a run costs', () => {
		expect(worthWaiting(wait)).toBe(4)
		expect(worthWaiting({ ...wait, rows: 4 })).toBe(4)
		expect(worthWaiting({ ...wait, rows: 5 })).toBe(0)
	})

	test('only for callers who were just answered; never while nothing was measured', () => {
		expect(worthWaiting({ ...wait, due: 0 })).toBe(0)
		expect(worthWaiting({ ...wait, gap: Number.POSITIVE_INFINITY })).toBe(0)
		expect(worthWaiting({ ...wait, fixed: undefined })).toBe(0)
	})

	test('ends when none came, and at the limit', () => {
		expect(worthWaiting({ ...wait, since: 3 })).toBe(1)
		expect(worthWaiting({ ...wait, since: 4 })).toBe(0)
		expect(worthWaiting({ ...wait, waited: 9 })).toBe(1)
		expect(worthWaiting({ ...wait, maxWait: 3 })).toBe(3)
		expect(worthWaiting({ ...wait, maxWait: 0 })).toBe(0)
	})

	test('a lone caller who comes again and again is never due when it comes', () => {
		const arrivals = new Arrivals()
		for (let now = 0; now < 100; now += 10) {
			arrivals.came(now)
			expect(arrivals.expected(now).due).toBe(0)
			arrivals.answered(1, now + 9)
		}
		expect(arrivals.expected(100)).toMatchObject({ due: 1, since: 1 })
		expect(arrivals.expected(100).gap).toBeCloseTo(1)
	})
})

describe('what is measured', () => {
	test('tells the fixed cost from that of the work, also through noise', () => {
		const meter = new PaceMeter()
		for (let index = 0; index < 200; index++)
			meter.add(5 + ((index * 37) % 200), (2.5 + 0.55 * (5 + ((index * 37) % 200))) * (0.9 + (index % 3) * 0.1))
		expect(meter.pace?.certain).toBe(true)
		expect(meter.pace?.fixed).toBeCloseTo(2.5, 0)
		expect(meter.pace?.perUnit).toBeCloseTo(0.55, 1)
		expect(meter.expect(100)).toBeCloseTo(57.5, -1)
	})

	test('runs of one size say nothing about it', () => {
		const meter = new PaceMeter()
		expect(meter.pace).toBeNull()
		for (let index = 0; index < 10; index++) meter.add(20, 10 + (index % 2))
		expect(meter.pace).toMatchObject({ fixed: 0, certain: false })
		expect(meter.expect(40)).toBeCloseTo(21, 0)
	})

	test('first runs that are slow are soon forgotten', () => {
		const meter = new PaceMeter()
		meter.add(8, 400)
		for (let index = 0; index < 10; index++) meter.add(8, 5)
		expect(meter.expect(8)).toBeLessThan(10)
	})

	test('another provider is measured anew; times that are not told are not', () => {
		const speed = speedOf(2, 1)
		speed.add(10, ran(null))
		expect(speed.pace?.perUnit).toBeCloseTo(1)
		speed.add(10, ran(1, 'webgpu'))
		expect(speed.pace).toMatchObject({ perUnit: 0.1, certain: false })
	})

	test('one slow run does not count against the best', () => {
		const speed = speedOf(0, 1)
		speed.add(10, ran(60_000))
		expect(speed.atBest).toBeLessThan(1)
		expect(new Speed().atBest).toBe(0)
	})
})

test('a size for which memory did not suffice is tried again after a minute', () => {
	vi.useFakeTimers({ toFake: ['performance'] })
	try {
		const sizing = new Sizing({}, layoutOf(echoing))
		const before = sizing.bounds.mostRows
		sizing.tooMany(4)
		vi.advanceTimersByTime(59_000)
		expect(sizing.bounds.mostRows).toBe(2)
		vi.advanceTimersByTime(2_000)
		expect(sizing.bounds.mostRows).toBe(before)
	} finally {
		vi.useRealTimers()
	}
})

describe('several runs for one call', () => {
	test('a few at a time, results in order', async () => {
		let running = 0
		let most = 0
		const results = await inTurn([5, 1, 4, 2, 3], 2, new AbortController().signal, async (time) => {
			most = Math.max(most, ++running)
			await new Promise((resolve) => setTimeout(resolve, time))
			running--
			return time * 10
		})
		expect(results).toEqual([50, 10, 40, 20, 30])
		expect(most).toBe(2)
	})

	test('pieces may take their time, and are not begun after an abort', async () => {
		const controller = new AbortController()
		const begun: number[] = []
		async function* pieces() {
			for (let piece = 0; piece < 10; piece++) {
				if (piece === 3) controller.abort()
				yield piece
			}
		}
		await expect(inTurn(pieces(), 2, controller.signal, async (piece) => begun.push(piece))).rejects.toMatchObject({ code: 'aborted' })
		expect(begun.every((piece) => piece < 3)).toBe(true)
	})

	test('the first failure ends it: nothing more begins, and what runs is told', async () => {
		const begun: number[] = []
		let told = false
		const all = inTurn([0, 1, 2, 3], 2, new AbortController().signal, async (piece, signal) => {
			begun.push(piece)
			if (piece === 1) throw new Error('the second')
			await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
			told = true
		})
		await expect(all).rejects.toThrow('the second')
		await new Promise((resolve) => setTimeout(resolve))
		expect(begun).toEqual([0, 1])
		expect(told).toBe(true)
	})
})
