// Several versions of a model at once, and the admin API, over HTTP: the same before Node and before workerd.

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { EdgeConfigInput } from '../../../edge/config/schema.ts'
import { traceParent } from '../../../runtime/core/trace.ts'
import { scaled } from '../harness/scaled.ts'

const hash = (key: string) => createHash('sha256').update(key).digest('hex')

export const versionKeys = { admin: 'sk_admin', metrics: 'sk_metrics', callers: Array.from({ length: 40 }, (_, at) => `sk_${at}`) }

/** Bytes of each of the models that are loaded on demand; two of them fit. */
const size = 200_000

export const versionsConfig = {
	server: { memory: 2.5 * size },
	models: {
		numbers: { memory: 0, versions: { labels: { stable: '1.0.0', next: '^2' } } },
		...Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`rare-${name}`, { load: 'demand' as const }])),
	},
	keys: [
		{ id: 'admin', hash: hash(versionKeys.admin), kind: 'secret', scopes: ['admin'] },
		{ id: 'metrics', hash: hash(versionKeys.metrics), kind: 'secret', scopes: ['metrics'] },
		...versionKeys.callers.map((key, at) => ({ id: `caller-${at}`, hash: hash(key), kind: 'secret' as const })),
	],
	metrics: { access: 'key' },
} satisfies EdgeConfigInput

/** `numbers` multiplies by 10 in 1.0.0, by 11 in 1.1.0, by 20 in 2.0.0, which is current; 1.2.0 fails its golden sample. */
export const versionsModels = () => [
	scaled({ model: 'numbers', version: '1.0.0', factor: 10 }),
	scaled({ model: 'numbers', version: '1.1.0', factor: 11 }),
	scaled({ model: 'numbers', version: '1.2.0', factor: 12, promised: 13 }),
	scaled({ model: 'numbers', version: '2.0.0', factor: 20 }),
	...['a', 'b', 'c', 'd'].map((name, at) => scaled({ model: `rare-${name}`, factor: at + 1, size })),
]

const factors: Record<string, number> = { '1.0.0': 10, '1.1.0': 11, '2.0.0': 20 }

export interface Answered {
	status: number
	/** By the answer's numbers, not by its words. */
	version: string | undefined
	/** Why it was this version. */
	route: string | undefined
	body: unknown
}

/** Calls a model; what is said of the version must be what its numbers say. */
export async function ask(url: string, { path = 'numbers', key = versionKeys.callers[0], trace = '' } = {}): Promise<Answered> {
	const response = await fetch(`${url}/v2/models/${path}/infer`, {
		method: 'POST',
		headers: { authorization: `Bearer ${key}`, ...(trace && { traceparent: trace }) },
		body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] }),
		signal: AbortSignal.timeout(30_000),
	})
	const body = (await response.json()) as { model_version?: string; outputs?: { data: number[] }[] }
	if (!response.ok) return { status: response.status, version: undefined, route: undefined, body }
	const ran = JSON.parse(response.headers.get('spillway-ran') ?? '{}') as { version?: string; route?: string }
	const version = Object.keys(factors).find((one) => factors[one] === body.outputs?.[0]?.data[0])
	if (path.startsWith('numbers')) expect([body.model_version, ran.version]).toEqual([version, version])
	return { status: response.status, version, route: ran.route, body }
}

interface Standing {
	version: string
	roles: string[]
	state: string | null
	detail?: string
}

export interface View {
	revision: number
	source: string
	versions: Standing[]
	shadow: { version: string; shadow: string; outcomes: Record<string, number>; largestDifference: number; last: { detail: string } }[]
}

/** Asks the admin API. */
export async function manage(url: string, method: string, path: string, json?: unknown, headers: Record<string, string> = {}) {
	const response = await fetch(`${url}/admin${path}`, {
		method,
		headers: { authorization: `Bearer ${versionKeys.admin}`, ...headers },
		...(json !== undefined && { body: JSON.stringify(json) }),
		signal: AbortSignal.timeout(30_000),
	})
	return { status: response.status, body: (await response.json()) as View & Record<string, unknown> }
}

const route = '/models/numbers/routing'

/** How often each version answers. */
async function shares(url: string, asked: readonly Parameters<typeof ask>[1][]): Promise<Record<string, number>> {
	const counts: Record<string, number> = {}
	for (const one of asked) {
		const { version = 'none' } = await ask(url, one)
		counts[version] = (counts[version] ?? 0) + 1
	}
	return counts
}

export function versionsSuite(edge: () => { url: string }): void {
	const url = () => edge().url

	/** Until every process and isolate has taken it up. */
	const answers = (version: string) => expect.poll(async () => (await ask(url())).version, { timeout: 10_000, interval: 50 }).toBe(version)

	test('the admin API needs a key with its scope', async () => {
		const status = async (key?: string) =>
			(await fetch(`${url()}/admin/models`, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })).status
		expect(await status()).toBe(401)
		expect(await status(versionKeys.callers[0])).toBe(403)
		expect(await status(versionKeys.admin)).toBe(200)
		// Not for pages, whatever key they have.
		const response = await fetch(`${url()}/admin/models`, {
			headers: { authorization: `Bearer ${versionKeys.admin}`, origin: 'https://app.example.com' },
		})
		expect(response.status).toBe(403)
		expect(response.headers.get('access-control-allow-origin')).toBeNull()
		// And a key of the admin's may not call models.
		expect((await ask(url(), { key: versionKeys.admin })).status).toBe(403)
	})

	test('a call gets the current version, the one that it asks for, or the one that a label stands for', async () => {
		expect(await ask(url())).toMatchObject({ version: '2.0.0' })
		expect(await ask(url(), { path: 'numbers/versions/1.1.0' })).toMatchObject({ version: '1.1.0' })
		expect(await ask(url(), { path: 'numbers/versions/1' })).toMatchObject({ status: 503 })
		expect(await ask(url(), { path: 'numbers/versions/stable' })).toMatchObject({ version: '1.0.0', route: 'label stable' })
		expect(await ask(url(), { path: 'numbers/versions/next' })).toMatchObject({ version: '2.0.0' })
		const missing = await ask(url(), { path: 'numbers/versions/3' })
		expect(missing).toMatchObject({ status: 404, body: { error: expect.stringContaining('2.0.0') } })
		expect((await ask(url(), { path: 'numbers/versions/canary' })).status).toBe(404)
	})

	test('TensorFlow Serving’s paths name versions and labels, too', async () => {
		const predict = async (place: string) => {
			const response = await fetch(`${url()}/v1/models/numbers${place}:predict`, {
				method: 'POST',
				headers: { authorization: `Bearer ${versionKeys.callers[0]}` },
				body: '{"instances":[[1,2,3,4]]}',
				signal: AbortSignal.timeout(30_000),
			})
			const { predictions, error } = (await response.json()) as { predictions?: number[][]; error?: string }
			return predictions?.[0]?.[0] ?? error
		}
		expect(await predict('')).toBe(20)
		expect(await predict('/versions/1.1.0')).toBe(11)
		expect(await predict('/versions/2')).toBe(20)
		expect(await predict('/labels/stable')).toBe(10)
		expect(await predict('/labels/nope')).toMatch(/nope/)
		const { model_version_status } = (await (await fetch(`${url()}/v1/models/numbers/labels/stable`)).json()) as {
			model_version_status: object[]
		}
		expect(model_version_status).toMatchObject([{ version: '1', state: 'AVAILABLE' }])
	})

	test('one that fails its golden samples answers no call, and tells why', async () => {
		expect(await ask(url(), { path: 'numbers/versions/1.2.0' })).toMatchObject({
			status: 503,
			body: { code: 'golden-mismatch', error: expect.stringContaining('golden') },
		})
		const { body } = await manage(url(), 'GET', '/models/numbers')
		expect(body.versions.find(({ version }) => version === '1.2.0')).toMatchObject({
			state: 'failed',
			detail: expect.stringContaining('golden'),
		})
	})

	describe('weights', () => {
		test('share calls out, at random', async () => {
			const split = [
				{ version: '1.0.0', weight: 3 },
				{ version: 'next', weight: 1 },
			]
			const labels = { stable: '1.0.0', next: '^2' }
			const { status, body } = await manage(url(), 'PUT', route, { labels, split })
			expect(status).toBe(200)
			expect(body.source).toBe('admin')
			expect(body.versions.find(({ version }) => version === '2.0.0')?.roles).toEqual(['current', 'weight 1 of 4', 'label next'])
			await answers('1.0.0')
			const counts = await shares(url(), new Array(200).fill({}))
			expect(Object.keys(counts).sort()).toEqual(['1.0.0', '2.0.0'])
			// 150 are expected, with a deviation of 6.
			expect(counts['1.0.0']).toBeGreaterThan(110)
			expect(counts['1.0.0']).toBeLessThan(190)
			expect((await ask(url())).route).toMatch(/^weight [13] of 4$/)
		})

		test('keep to a key, or a trace, where that is asked for; more weight for one moves nobody between the others', async () => {
			const by = async (how: string, weight: number) => {
				const split = [
					{ version: '1.0.0', weight: 10 },
					{ version: '2.0.0', weight },
				]
				await manage(url(), 'PUT', route, { split, by: how })
				const ofSplit = `weight 10 of ${10 + weight} by ${how}`
				const asked = { key: versionKeys.callers[1], trace: traceParent() }
				await expect
					.poll(async () => (await ask(url(), asked)).route?.replace(/^weight \d+/, 'weight 10'), { timeout: 10_000 })
					.toBe(ofSplit)
				const found: (string | undefined)[] = []
				for (const key of versionKeys.callers) {
					const [first, ...others] = await Promise.all([1, 2, 3].map(() => ask(url(), { key })))
					expect(first).toMatchObject({ status: 200 })
					if (how === 'key') for (const other of others) expect(other).toMatchObject({ status: 200, version: first?.version })
					found.push(first?.version)
				}
				return found
			}
			const before = await by('key', 5)
			expect(new Set(before)).toEqual(new Set(['1.0.0', '2.0.0']))
			const after = await by('key', 10)
			before.forEach((version, at) => {
				if (version === '2.0.0') expect(after[at]).toBe('2.0.0')
			})
			await by('trace', 10)
			for (let i = 0; i < 5; i++) {
				const trace = traceParent()
				const versions = await Promise.all([trace, traceParent(trace), trace].map(async (trace) => (await ask(url(), { trace })).version))
				expect(new Set(versions).size).toBe(1)
			}
		})

		test('for a version that does not become ready are answered by another one, which says so', async () => {
			const split = [
				{ version: '1.2.0', weight: 1 },
				{ version: '1.0.0', weight: 1 },
			]
			await manage(url(), 'PUT', route, { split })
			await expect.poll(async () => (await ask(url())).route, { timeout: 10_000 }).toContain('1.2.0 (1.2.0) is not ready')
			const all = await Promise.all(Array.from({ length: 20 }, () => ask(url())))
			expect(all.every(({ status }) => status === 200)).toBe(true)
		})
	})

	test('a slip is refused before it becomes a route', async () => {
		const fault = async (routing: unknown, headers = {}) => manage(url(), 'PUT', route, routing, headers)
		expect(await fault({ split: [{ version: '1.9.0', weight: 1 }] })).toMatchObject({
			status: 400,
			body: { detail: expect.stringContaining('1.9.0') },
		})
		expect(await fault({ split: [{ version: '1.0.0', weight: 0 }] })).toMatchObject({ status: 400 })
		expect(await fault({ split: [{ version: 'canary', weight: 1 }] })).toMatchObject({
			status: 400,
			body: { detail: expect.stringContaining('labels') },
		})
		expect(await fault({ splits: [] })).toMatchObject({ status: 400 })
		expect(await fault({ labels: { canary: 'f'.repeat(64) } })).toMatchObject({ status: 404 })
		expect(await manage(url(), 'PUT', '/models/nobody/routing', {})).toMatchObject({ status: 404 })
		const { body } = await manage(url(), 'GET', '/models/numbers')
		expect(await fault({}, { 'if-match': `"${body.revision - 1}"` })).toMatchObject({ status: 412 })
		// A condition that is not understood must not count as none.
		expect(await fault({}, { 'if-match': '"latest"' })).toMatchObject({ status: 400 })
		expect(await fault({}, { 'if-match': `"${body.revision - 1}", "${body.revision - 2}"` })).toMatchObject({ status: 400 })
		expect(await fault({}, { 'if-match': `"${body.revision}"` })).toMatchObject({ status: 200 })
		await answers('2.0.0')
	})

	test('roll-back is at once, takes back the last change, and no call is lost on the way', async () => {
		await manage(url(), 'PUT', route, { split: [{ version: '1.0.0', weight: 1 }] })
		await answers('1.0.0')
		let over = false
		const seen: Answered[] = []
		const load = Promise.all(
			Array.from({ length: 4 }, async () => {
				while (!over) seen.push(await ask(url()))
			}),
		)
		await manage(url(), 'PUT', route, { split: [{ version: '1.1.0', weight: 1 }] })
		await answers('1.1.0')
		expect(await manage(url(), 'POST', '/models/numbers/roll-back')).toMatchObject({ status: 200 })
		// Where it was asked for it counts from here on; other isolates follow.
		await answers('1.0.0')
		await new Promise((resolve) => setTimeout(resolve, 100))
		over = true
		await load
		expect(seen.filter(({ status }) => status !== 200)).toEqual([])
		expect(seen.at(-1)?.version).toBe('1.0.0')
		// As configured again.
		await manage(url(), 'DELETE', route)
		await answers('2.0.0')
	})

	test('shadow traffic is compared and thrown away, and nobody waits for it', async () => {
		const shadow = { version: '1.1.0', share: 1 }
		await manage(url(), 'PUT', route, { split: [{ version: '1.0.0', weight: 1 }], shadow })
		await answers('1.0.0')
		for (let i = 0; i < 5; i++) expect(await ask(url())).toMatchObject({ version: '1.0.0' })
		const compared = async (other: string) =>
			(await manage(url(), 'GET', '/models/numbers')).body.shadow.find((one) => one.version === '1.0.0' && one.shadow === other)
		await expect.poll(async () => (await compared('1.1.0'))?.outcomes.different, { timeout: 10_000 }).toBeGreaterThanOrEqual(5)
		// 40 and 44.
		expect(await compared('1.1.0')).toMatchObject({
			largestDifference: 4,
			last: { detail: expect.stringContaining('largest difference 4') },
		})
		// As far apart as is allowed is the same.
		await manage(url(), 'PUT', route, {
			split: [{ version: '1.0.0', weight: 1 }],
			shadow: { version: '2.0.0', tolerance: { cosine: 0.9 } },
		})
		await expect
			.poll(async () => (await ask(url())) && (await compared('2.0.0'))?.outcomes.same, { timeout: 10_000, interval: 100 })
			.toBeGreaterThanOrEqual(1)
		// One that fails costs nobody anything.
		await manage(url(), 'PUT', route, { split: [{ version: '1.0.0', weight: 1 }], shadow: { version: '1.2.0' } })
		await expect
			.poll(async () => (await ask(url())).version === '1.0.0' && (await compared('1.2.0'))?.outcomes.failed, {
				timeout: 10_000,
				interval: 100,
			})
			.toBeGreaterThanOrEqual(1)
		const figures = await (await fetch(`${url()}/metrics`, { headers: { authorization: `Bearer ${versionKeys.metrics}` } })).text()
		expect(figures).toMatch(/^spillway_shadow_total\{model="numbers",version="1.0.0",shadow="1.1.0",outcome="different"\} \d+$/m)
		expect(figures).toMatch(/^spillway_version_calls_total\{model="numbers",version="1.0.0",code="ok"\} \d+$/m)
		await manage(url(), 'DELETE', route)
		await answers('2.0.0')
	})

	test('who changed what is told', async () => {
		const { body } = await manage(url(), 'GET', '/changes')
		const changes = body.changes as { by: string; action: string; model: string; at: number }[]
		expect(changes.at(-1)).toMatchObject({ by: 'admin', action: 'clear', model: 'numbers', after: null })
		expect(changes.map(({ action }) => action)).toContain('roll-back')
		expect(Math.abs((changes.at(-1)?.at ?? 0) - Date.now())).toBeLessThan(60_000)
	})

	test("the model repository is there for Triton's clients", async () => {
		const repository = async (path: string, key: string, json?: unknown) => {
			const body = json === undefined ? '' : JSON.stringify(json)
			const response = await fetch(`${url()}/v2/repository/${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body })
			return { status: response.status, body: await response.json() }
		}
		const index = async () =>
			(await repository('index', versionKeys.admin)).body as { name: string; version: string; state: string; reason: string }[]
		expect((await repository('index', versionKeys.callers[0] ?? '')).status).toBe(403)
		expect(await index()).toContainEqual(
			expect.objectContaining({ name: 'numbers', version: '1.2.0', state: 'UNAVAILABLE', reason: expect.stringContaining('golden') }),
		)
		// As the clients send them.
		expect((await repository('models/rare-b/load', versionKeys.admin, { parameters: {} })).status).toBe(200)
		expect(await index()).toContainEqual({ name: 'rare-b', version: '1.0.0', state: 'READY', reason: '' })
		expect((await repository('models/rare-b/unload', versionKeys.admin, { parameters: { unload_dependents: false } })).status).toBe(200)
		expect(await index()).toContainEqual({ name: 'rare-b', version: '1.0.0', state: 'UNAVAILABLE', reason: 'unloaded' })
		expect(await repository('models/rare-b/load', versionKeys.admin, { parameters: { config: '{}' } })).toMatchObject({
			status: 422,
			body: { error: expect.stringContaining('config') },
		})
		expect((await repository('models/nobody/load', versionKeys.admin)).status).toBe(404)
	})

	describe('models on demand', () => {
		const rare = ['rare-a', 'rare-b', 'rare-c', 'rare-d']

		test('answer by turns, and all at once, in memory for two', async () => {
			for (let round = 0; round < 2; round++)
				for (const [at, path] of rare.entries())
					expect(await ask(url(), { path })).toMatchObject({
						status: 200,
						body: { outputs: [{ data: [at + 1, 2 * at + 2, 3 * at + 3, 4 * at + 4] }] },
					})
			const states = await Promise.all(rare.map(async (name) => (await manage(url(), 'GET', `/models/${name}`)).body.versions[0]?.state))
			expect(states).toEqual(['unloaded', 'unloaded', 'ready', 'ready'])
		})

		test('are loaded and unloaded when an admin says so', async () => {
			const state = async () => (await manage(url(), 'GET', '/models/rare-a')).body.versions[0]?.state
			expect((await manage(url(), 'POST', '/models/rare-a/versions/1.0.0/load')).status).toBe(200)
			expect(await state()).toBe('ready')
			expect((await manage(url(), 'POST', '/models/rare-a/versions/1.0.0/unload')).status).toBe(200)
			expect(await state()).toBe('unloaded')
			// A probe does not load it, and a call does.
			expect((await fetch(`${url()}/v2/models/rare-a/ready`)).status).toBe(200)
			expect(await state()).toBe('unloaded')
			expect((await ask(url(), { path: 'rare-a' })).status).toBe(200)
			expect(await state()).toBe('ready')
		})
	})
}
