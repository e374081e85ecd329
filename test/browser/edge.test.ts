// Device and edge together, as they are without a policy: the edge answers when the device cannot, not yet, or not in time.

import { describe, expect, test } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import { expectedNumbers } from '../edge/suites/under-test.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { calls, edge, embed, open, page, ready, site } from './edge-page.ts'
import { blockSession } from './page.ts'

const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

describe('prefer-device', () => {
	test('the edge answers until the device can, and both answer in one space', async () => {
		await open()
		const first = await embed()
		expect(first).toMatchObject({ vectors: [hello], space: edge.space, ran: { executor: 'edge', provider: 'cpu', hops: 1 } })
		expect(first.ran.overflow).toEqual([{ executor: 'device', reason: 'loading' }])
		// The call began the load.
		await expect.poll(async () => (await embed()).ran.executor, { timeout: 30_000 }).toBe('device')
		const later = await embed({ space: first.space })
		expect(later).toMatchObject({
			vectors: [hello],
			space: edge.space,
			ran: { executor: 'device', provider: 'wasm', hops: 0, overflow: [] },
		})
	})

	test('the trust keys and the model come from the edge, without a word about either', async () => {
		await open()
		expect(await ready()).toBe('none')
		expect((await embed()).ran.executor).toBe('device')
		expect(calls).toBe(0)
	})

	test('tensors, too', async () => {
		await open()
		const y = await page.evaluate(async () => {
			const x = window.spillway.tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
			const { tensors, ran } = await window.runtime.model('tiny').infer({ x }, { policy: 'edge-only' })
			return { data: [...(tensors.y?.data ?? [])].map(Number), ran }
		})
		expect(y.data).toEqual(expectedNumbers)
		expect(y.ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'policy' }] })
	})

	test('when the device cannot load, the edge goes on answering and says why', async () => {
		await open({ models: `${site.origin}/nothing/`, trust: [(await generateSigningKey()).x] })
		expect(await ready()).toMatchObject({ code: 'not-found' })
		const { ran } = await embed()
		expect(ran).toMatchObject({
			executor: 'edge',
			overflow: [{ executor: 'device', reason: 'unsupported', detail: expect.stringMatching(/^not-found: /) }],
		})
	})

	test('a key that the edge does not know is an error that says so', async () => {
		await open({ key: 'pk_unknown' })
		expect(await page.evaluate(() => window.errorOf(window.runtime.model('m').embed(['hello'], { policy: 'edge-only' })))).toMatchObject({
			code: 'unauthenticated',
		})
	})

	test('a device that does not answer in time gives way to the edge while there is time', async () => {
		await open()
		expect(await ready()).toBe('none')
		await blockSession(page, 3000)
		const { vectors, ran } = await embed({ deadline: 2500 })
		expect(vectors).toEqual([hello])
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'deadline' }] })
	})

	test('also in a hidden page, whose timers sleep', async () => {
		await open()
		expect(await ready()).toBe('none')
		await page.evaluate(() => {
			Object.defineProperty(document, 'hidden', { value: true })
			const { setTimeout } = window
			window.setTimeout = ((wake: () => void, milliseconds = 0) => setTimeout(wake, milliseconds + 60_000)) as typeof setTimeout
		})
		await blockSession(page, 3000)
		const { vectors, ran } = await embed({ deadline: 2500 })
		expect(vectors).toEqual([hello])
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'deadline' }] })
	})

	test('a space or a version that the device has not is not even asked of it', async () => {
		await open()
		expect(await ready()).toBe('none')
		const failure = (options: object) =>
			page.evaluate(async ([options]) => window.errorOf(window.runtime.model('m').embed(['hello'], options)), [options])
		expect(await failure({ space: `m@${'0'.repeat(64)}/fp32`, policy: 'device-only' })).toMatchObject({ code: 'unsupported' })
		expect(await failure({ space: `m@${'0'.repeat(64)}/fp32` })).toMatchObject({
			code: 'unsupported',
			message: expect.stringMatching(/the device has space m@|answers here in space m@/),
		})
		expect(calls).toBe(0)
	})

	test('when the edge is gone, the device answers, and before that says that nobody can', async () => {
		await open()
		await page.context().setOffline(true)
		const error = await page.evaluate(() => window.errorOf(window.runtime.model('m').embed(['hello'], { deadline: 5000 })))
		expect(error).toMatchObject({ name: 'SpillwayError' })
		await page.context().setOffline(false)
		expect(await ready()).toBe('none')
		await page.context().setOffline(true)
		expect((await embed()).ran).toMatchObject({ executor: 'device', overflow: [] })
		expect(await page.evaluate(async () => (await window.runtime.model('m').explain()).edge?.estimate)).toMatchObject({
			can: 'no',
			reason: 'unhealthy',
			detail: 'offline',
		})
	})
})
