// Choosing among versions, what an admin has changed, memory for models: the parts that need no edge.

import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { loading } from '../../edge/platform/loading.ts'
import { inLine } from '../../edge/platform/workerd/in-line.ts'
import { cachedRoutes } from '../../edge/state/cached-routes.ts'
import { routesFile } from '../../edge/state/routes-file.ts'
import { storedRoutes } from '../../edge/state/stored-routes.ts'
import { memoryBudget, type Resident } from '../../edge/versions/budget.ts'
import { choose, fraction } from '../../edge/versions/choose.ts'
import { compare } from '../../edge/versions/compare.ts'
import { hasVersion, onlyFor } from '../../edge/versions/only-for.ts'
import { routingSchema } from '../../edge/versions/routing.ts'
import type { Offered } from '../../edge/versions/serving.ts'
import { memoryRoutes, type RouteStore } from '../../edge/versions/state.ts'
import { provenance } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { traceParent } from '../../runtime/core/trace.ts'
import { temporaryFolder } from './harness/folder.ts'

const scratch = temporaryFolder()
const routing = (version: string) => routingSchema.parse({ split: [{ version, weight: 1 }] })

describe('choosing by weight', () => {
	const arms = [
		{ id: 'a', weight: 70 },
		{ id: 'b', weight: 25 },
		{ id: 'c', weight: 5 },
	]
	const values = Array.from({ length: 5000 }, (_, at) => `value ${at}`)

	test('gives each its share, by chance and by what calls have in common', () => {
		for (const chosen of [values.map(() => choose(arms)), values.map((value) => choose(arms, value))])
			for (const { id, weight } of arms) {
				const share = chosen.filter((one) => one.id === id).length / values.length
				expect(Math.abs(share - weight / 100), id).toBeLessThan(0.03)
			}
	})

	test('moves nobody but to the one whose weight grows, and takes none of weight 0', () => {
		const more = arms.map((arm) => (arm.id === 'c' ? { ...arm, weight: 40 } : arm))
		for (const value of values) {
			const [before, after] = [choose(arms, value).id, choose(more, value).id]
			if (after !== before) expect(after).toBe('c')
		}
		const none = arms.map((arm) => (arm.id === 'a' ? { ...arm, weight: 0 } : arm))
		expect(values.some((value) => choose(none, value).id === 'a')).toBe(false)
	})

	test('spreads texts that are alike evenly', () => {
		const tenths = new Array(10).fill(0)
		for (let at = 0; at < 10_000; at++) tenths[Math.floor(fraction(`key-${at}`) * 10)]++
		for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150)
	})
})

describe('comparing answers', () => {
	const floats = (...values: number[]) => ({
		kind: 'tensors' as const,
		tensors: { y: tensor('FP32', [1, values.length], Float32Array.from(values)) },
	})

	test('goes by the bounds that are given; without any, floats must be equal', () => {
		expect(compare(floats(1, 2), floats(1, 2), {})).toMatchObject({ same: true, cosine: 1, absolute: 0 })
		expect(compare(floats(1, 2), floats(1, 2.5), {})).toMatchObject({ same: false, absolute: 0.5 })
		expect(compare(floats(1, 2), floats(1, 2.5), { absolute: 0.5 }).same).toBe(true)
		expect(compare(floats(1, 2), floats(1, 2.5), { absolute: 0.5, cosine: 0.9999 }).same).toBe(false)
		expect(compare(floats(1, 2), floats(2, 4), { cosine: 0.9999 }).same).toBe(true)
	})

	test('what is no number, and another form, are never the same', () => {
		expect(compare(floats(1, 2), floats(1, Number.NaN), { absolute: 10 }).same).toBe(false)
		expect(compare(floats(1, 2), floats(1, 2, 3), { cosine: -1 })).toMatchObject({ same: false, absolute: null })
		const ids = (value: bigint) => ({ kind: 'tensors' as const, tensors: { y: tensor('INT64', [1], BigInt64Array.of(value)) } })
		expect(compare(ids(1n), ids(2n), { absolute: 10 })).toMatchObject({ same: false, detail: 'y[0] is 1, and 2' })
		expect(compare(ids(1n), floats(1), {})).toMatchObject({ same: false, detail: expect.stringContaining('INT64') })
		expect(compare({ kind: 'embed', vectors: [Float32Array.of(1, 0)], tokens: 1 }, floats(1, 0), {}).same).toBe(false)
	})
})

describe.each<[string, () => RouteStore]>([
	['in memory', () => memoryRoutes()],
	['in a file', () => routesFile(join(scratch.path, `${crypto.randomUUID()}/routes.json`))],
	[
		'in the storage of an object, seen from a Worker',
		() => {
			const stored = new Map<string, unknown>()
			const object = storedRoutes({
				get: async (key) => structuredClone(stored.get(key)),
				put: async (key, value) => void stored.set(key, structuredClone(value)),
			})
			return cachedRoutes(async (change) => structuredClone(await (change ? object.change(change) : object.read())))
		},
	],
])('changed routes %s', (_, open) => {
	const change = { model: 'm', by: 'ada' }

	test('are there when they are read, with what they were before', async () => {
		const store = open()
		expect(await store.read()).toMatchObject({ revision: 0, models: {}, audit: [] })
		await store.change({ ...change, action: 'route', routing: routing('1.0.0') })
		await store.change({ ...change, action: 'route', routing: routing('1.1.0') })
		expect(await store.read()).toMatchObject({ revision: 2, models: { m: { routing: routing('1.1.0') } } })
		await store.change({ ...change, action: 'roll-back' })
		expect((await store.read()).models.m?.routing).toEqual(routing('1.0.0'))
		await store.change({ ...change, action: 'roll-back' })
		expect((await store.read()).models.m?.routing).toBeNull()
		await expect(store.change({ ...change, action: 'roll-back' })).rejects.toMatchObject({ code: 'invalid-input' })
		const { audit } = await store.read()
		expect(audit.map(({ action, revision, by }) => [action, revision, by])).toEqual([
			['route', 1, 'ada'],
			['route', 2, 'ada'],
			['roll-back', 3, 'ada'],
			['roll-back', 4, 'ada'],
		])
	})

	test('of two that are made upon the same revision, one is refused', async () => {
		const store = open()
		const both = await Promise.allSettled(
			['1.0.0', '1.1.0'].map((version) => store.change({ ...change, action: 'route', routing: routing(version), upon: 0 })),
		)
		expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
		expect((await store.read()).revision).toBe(1)
	})

	test('what is told of them does not grow without end', async () => {
		const store = open()
		const labels = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`label-${at}`, 'f'.repeat(64)]))
		for (let made = 0; made < 30; made++) await store.change({ ...change, action: 'route', routing: routingSchema.parse({ labels }) })
		const state = await store.read()
		expect(JSON.stringify(state).length).toBeLessThan(256 * 1024)
		expect(state.audit.at(-1)?.revision).toBe(30)
	})

	test('many at once are all made', async () => {
		const store = open()
		await Promise.all(
			Array.from({ length: 10 }, (_, at) => store.change({ ...change, model: `m${at}`, action: 'route', routing: routing('1.0.0') })),
		)
		expect(Object.keys((await store.read()).models)).toHaveLength(10)
	})
})

describe('the file of changed routes', () => {
	const file = join(scratch.path, 'shared/routes.json')
	const change = { model: 'm', by: 'ada', action: 'route' as const, routing: routing('1.0.0') }

	test('is shared by processes, and what is torn leaves the last good one', async () => {
		const [one, other] = [routesFile(file), routesFile(file)]
		expect((await other.read()).revision).toBe(0)
		await one.change(change)
		await expect.poll(async () => (await other.read()).revision, { timeout: 5_000 }).toBe(1)
		const told = vi.spyOn(console, 'error').mockImplementation(() => {})
		await writeFile(file, '{"revision": 9')
		await new Promise((resolve) => setTimeout(resolve, 600))
		expect((await other.read()).revision).toBe(1)
		expect(told).toHaveBeenCalledWith(expect.stringContaining('routes.json'))
		told.mockRestore()
		const log = (await readFile(`${file}.log`, 'utf8')).trim().split('\n')
		expect(log.map((line) => JSON.parse(line))).toMatchObject([{ revision: 1, by: 'ada', action: 'route' }])
	})

	test.each([
		'null',
		'[]',
		'{}',
		'{"revision":5,"models":{"m":{"routing":{"split":[]},"before":[],"manifest":null,"pinned":false}},"audit":[]}',
	])('%s is none: the last good one goes on, and who has none throws nothing away', async (text) => {
		const file = join(scratch.path, `${crypto.randomUUID()}/routes.json`)
		const store = routesFile(file)
		await store.change(change)
		const told = vi.spyOn(console, 'error').mockImplementation(() => {})
		await writeFile(file, text)
		await expect(routesFile(file).change(change)).rejects.toMatchObject({ code: 'unavailable' })
		expect(await routesFile(file).read()).toMatchObject({ revision: 0, models: {} })
		expect(await readFile(file, 'utf8')).toBe(text)
		expect((await store.change(change)).revision).toBe(2)
		expect(told).toHaveBeenCalledWith(expect.stringContaining('routes.json'))
		told.mockRestore()
	})

	test('is not kept from changing by a process that died in the middle', async () => {
		const folder = join(scratch.path, 'died')
		await mkdir(folder)
		const lock = join(folder, 'routes.json.lock')
		await writeFile(lock, '')
		const long = new Date(Date.now() - 60_000)
		await utimes(lock, long, long)
		expect((await routesFile(join(folder, 'routes.json')).change(change)).revision).toBe(1)
		await rm(folder, { recursive: true })
	})
})

describe('memory for models', () => {
	const resident = (what: string, more: Partial<Resident> = {}) => {
		const one = { what, kept: () => false, busy: () => false, unloaded: 0, unload: async () => {}, ...more }
		return one
	}

	test('is given back by who was used longest ago', async () => {
		const budget = memoryBudget(100)
		const gone: string[] = []
		const make = (what: string, more: Partial<Resident> = {}) => {
			const one: Resident = resident(what, {
				unload: async () => {
					gone.push(what)
					budget.free(one)
				},
				...more,
			})
			return one
		}
		const [a, b] = [make('a'), make('b')]
		await budget.take(a, 40)
		await budget.take(b, 40)
		budget.touch(a)
		await budget.take(make('kept', { kept: () => true }), 40)
		expect(gone).toEqual(['b'])
		await budget.take(make('c'), 60)
		expect([gone, budget.used]).toEqual([['b', 'a'], 100])
		await expect(budget.take(make('large'), 101)).rejects.toMatchObject({ code: 'out-of-memory' })
	})

	test('is waited for while all are in use, and then refused with the time to come back', async () => {
		const budget = memoryBudget(100, { patience: 60 })
		let busy = true
		const one: Resident = resident('busy', { busy: () => busy, unload: async () => budget.free(one) })
		await budget.take(one, 100)
		await expect(budget.take(resident('late'), 50)).rejects.toMatchObject({ code: 'unavailable', retryAfter: expect.any(Number) })
		const waiting = budget.take(resident('patient'), 50)
		busy = false
		budget.idle()
		await waiting
		expect(budget.used).toBe(50)
	})
})

test('an upstream is asked only for the version that it has', async () => {
	let isCurrent = true
	const inner: Executor = {
		name: 'gpu',
		accepts: ['tensors'],
		estimate: () => ({ can: 'now', queue: 0, run: 1 }),
		infer: async () => ({ output: { kind: 'tensors', tensors: {} }, ran: provenance('gpu', { name: 'm' }) }),
		dispose: async () => {},
	}
	const packed = { current: () => isCurrent } as Offered['packed']
	const call = { kind: 'tensors' as const, model: { name: 'm' }, tensors: {} }
	const context = { remaining: 1000, signal: new AbortController().signal, hops: 0, retries: { left: 0 }, trace: traceParent() }
	const follows = onlyFor(inner, '1.0.0', hasVersion({ version: '1.0.0', packed }, undefined))
	expect(follows.estimate(call).can).toBe('now')
	isCurrent = false
	expect(follows.estimate(call)).toMatchObject({ can: 'no', reason: 'unsupported' })
	await expect(follows.infer(call, context)).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('gpu') })
	// Its configuration says what it has.
	expect(hasVersion({ version: '1.0.0', packed }, '^1')()).toBe(true)
	expect(hasVersion({ version: '2.0.0', packed }, '^1')()).toBe(false)
	// A model that is only declared has one.
	expect(hasVersion({ version: '1', packed: null }, undefined)()).toBe(true)
})

test('calls that wait in line are expected to take as long as those before them did, not as long as they have waited', () => {
	let now = 0
	const line = inLine(() => now)
	expect(line.queue()).toBeNull()
	const ends = Array.from({ length: 100 }, () => line.sent())
	// One after the other, 5 ms each: the last one has waited for 495 ms.
	for (const end of ends) {
		now += 5
		end(true)
	}
	now += 10_000
	const [one, other] = [line.sent(), line.sent()]
	expect(line.queue()).toBeCloseTo(10, 5)
	// What failed tells nothing.
	now += 1_000
	one(false)
	expect(line.queue()).toBeCloseTo(5, 5)
	other(false)
	expect(line.queue()).toBe(0)
})

describe('an executor that is unloaded', () => {
	const context = () => ({ remaining: 5_000, signal: new AbortController().signal, hops: 0, retries: { left: 0 }, trace: traceParent() })
	const call = { kind: 'tensors' as const, model: { name: 'm' }, tensors: {} }

	function make(budget = memoryBudget(100), bytes = 60, took = 5) {
		let [loads, running, disposedBusy] = [0, 0, false]
		const executor = loading({
			name: 'edge',
			what: 'm 1',
			accepts: ['tensors'],
			budget,
			kept: () => false,
			async load(reserve) {
				await reserve(bytes)
				loads++
				let disposed = false
				return {
					name: 'edge',
					accepts: ['tensors'],
					estimate: () => ({ can: 'now', queue: 0, run: 1 }),
					async infer() {
						if (disposed) throw new Error('it is gone')
						running++
						await new Promise((resolve) => setTimeout(resolve, took))
						running--
						return { output: { kind: 'tensors', tensors: {} }, ran: provenance('edge', { name: 'm' }) }
					},
					async dispose() {
						disposed = true
						disposedBusy ||= running > 0
					},
				} satisfies Executor
			},
		})
		return { executor, loads: () => loads, disposedBusy: () => disposedBusy }
	}

	test('lets its calls end, and is loaded by the next one', async () => {
		const { executor, loads, disposedBusy } = make()
		const calls = [1, 2, 3].map(() => executor.infer(call, context()))
		await executor.loaded()
		expect(executor.state()).toEqual({ state: 'ready' })
		const [unloaded, later] = [executor.unload(), executor.infer(call, context())]
		await Promise.all([...calls, unloaded, later])
		expect([loads(), disposedBusy()]).toEqual([2, false])
		await executor.unload()
		expect(executor.state()).toEqual({ state: 'unloaded' })
	})

	test('three that have room for one are all answered, over and over', async () => {
		const budget = memoryBudget(100)
		const all = [make(budget), make(budget), make(budget)]
		await Promise.all(Array.from({ length: 60 }, (_, at) => all[at % 3]?.executor.infer(call, context())))
		expect(budget.used).toBeLessThanOrEqual(100)
		expect(all.some((one) => one.disposedBusy())).toBe(false)
		await Promise.all(all.map(({ executor }) => executor.dispose()))
		expect(budget.used).toBe(0)
	})
})
