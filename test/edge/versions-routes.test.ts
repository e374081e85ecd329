// What an admin has changed of the routes: in memory, in a file, in the storage of an object.

import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { cachedRoutes } from '../../edge/state/cached-routes.ts'
import { routesFile } from '../../edge/state/routes-file.ts'
import { storedRoutes } from '../../edge/state/stored-routes.ts'
import { routingSchema } from '../../edge/versions/routing.ts'
import { memoryRoutes, type RouteStore } from '../../edge/versions/state.ts'
import { temporaryFolder } from './harness/folder.ts'

const scratch = temporaryFolder()
const routing = (version: string) => routingSchema.parse({ split: [{ version, weight: 1 }] })

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
		await expect.poll(async () => (await other.read()).revision).toBe(1)
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
