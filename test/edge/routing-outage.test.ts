// What clients see, on both platforms, while one of three upstreams dies and comes back, and when there is more to do than can be done.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EdgeConfigInput } from '../../edge/config/schema.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { startNode } from './harness/node.ts'
import { startWorkerd } from './harness/workerd.ts'
import { NumbersUpstream } from './numbers-upstream.ts'
import { expectedNumbers, keys, suiteConfig, suiteModels } from './suites/under-test.ts'

const three = [new NumbersUpstream(10), new NumbersUpstream(10), new NumbersUpstream(10)]
const slow = new NumbersUpstream(100)
let packed: PackedFolder
let config: EdgeConfigInput

beforeAll(async () => {
	packed = await packModels(suiteModels())
	await Promise.all([...three, slow].map((upstream) => upstream.start()))
	const kind = 'oip' as const
	config = {
		...suiteConfig,
		models: { tiny: { inProcess: false }, js: { inProcess: false } },
		upstreams: [
			...three.map(({ url }, at) => ({ name: `gpu-${at}`, kind, url, models: { tiny: {} } })),
			{ name: 'slow', kind, url: slow.url, capacity: 2, models: { js: {} } },
		],
	}
})
afterAll(async () => {
	await Promise.all([...three, slow].map((upstream) => upstream.kill()))
	await packed?.remove()
})

const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] })
const answered = `200 ${expectedNumbers}`

const ask = (url: string, model: string, headers: Record<string, string> = {}) =>
	fetch(`${url}/v2/models/${model}/infer`, { method: 'POST', headers: { authorization: `Bearer ${keys.secret}`, ...headers }, body })

/** What was answered: status and words. */
async function told(response: Response): Promise<string> {
	const { outputs, detail } = (await response.json()) as { outputs?: { data: number[] }[]; detail?: string }
	return `${response.status} ${outputs?.[0]?.data ?? detail}`
}

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

describe.each([
	['Node', startNode],
	['workerd', startWorkerd],
] as const)('on %s', (_, start) => {
	let edge: Awaited<ReturnType<typeof start>>
	beforeAll(async () => {
		edge = await start({ config, models: packed.folder })
	})
	afterAll(async () => {
		await edge?.close()
	})

	test('no client sees that an upstream is killed, and comes back', async () => {
		let over = false
		const seen = new Set<string>()
		const clients = Array.from({ length: 12 }, async () => {
			while (!over) seen.add(await told(await ask(edge.url, 'tiny')))
		})
		const [dying, ...others] = three as [NumbersUpstream, ...NumbersUpstream[]]
		await wait(700)
		expect(dying.calls).toBeGreaterThan(0)
		await dying.kill()
		const before = others.map(({ calls }) => calls)
		await wait(1_000)
		others.forEach((other, at) => {
			expect(other.calls).toBeGreaterThan(before[at] as number)
		})
		await dying.start()
		const { calls } = dying
		await expect.poll(() => dying.calls).toBeGreaterThan(calls + 20)
		over = true
		await Promise.all(clients)
		expect([...seen]).toEqual([answered])
	})

	test('an upstream gets no more calls than it declares to take, and what would be late is refused with a time to come back', async () => {
		// So that it is known how long calls take.
		for (let i = 0; i < 3; i++) expect(await told(await ask(edge.url, 'js'))).toBe(answered)
		slow.most = 0
		const begun = performance.now()
		const responses = await Promise.all(
			Array.from({ length: 60 }, async () => {
				await wait(Math.random() * 100)
				return ask(edge.url, 'js', { 'spillway-time-left': '1000' })
			}),
		)
		// Two at a time, a tenth of a second each: ten in the half of the time that calls are let wait.
		expect(performance.now() - begun).toBeLessThan(10_000)
		expect(slow.most).toBe(2)
		const done = responses.filter(({ status }) => status === 200)
		expect(done.length).toBeGreaterThanOrEqual(5)
		const refused = responses.filter(({ status }) => status === 503)
		expect(refused.length).toBeGreaterThanOrEqual(20)
		for (const response of refused) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
		for (const { status } of responses) expect([200, 503, 504]).toContain(status)
		expect(await told(await ask(edge.url, 'js'))).toBe(answered)
	})
})
