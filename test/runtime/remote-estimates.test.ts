// What is expected of an edge: from what was measured, and nothing while it fails or there is no network.

import { describe, expect, test, vi } from 'vitest'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { edgeOfPage } from '../../runtime/remote/page.ts'
import { answerWith, call, embed, errorOf, ran, serve } from './remote-edge.ts'
import { context } from './scripted.ts'

describe('what is expected of an edge', () => {
	test('some guess at first, then what was measured', async () => {
		const { edge, answered } = await call((response) => setTimeout(() => answerWith()(response), 20))
		expect(edge.estimate(embed)).toEqual({ can: 'now', queue: 0, run: 500 })
		await answered
		expect(edge.estimate(embed).run).toBeLessThan(500)
		const larger = { ...embed, input: Array(100).fill('hello') }
		expect(edge.estimate(larger).run).toBeGreaterThan(edge.estimate(embed).run + 50)
	})

	test('the way there is not counted with the size of the call, what the edge tells of queue and run is', async () => {
		const slow = { ...ran, queue: 40, run: 20 }
		const { edge, answered } = await call((response) => setTimeout(() => answerWith({ told: slow })(response), 200))
		await answered
		const { queue, run } = edge.estimate(embed)
		expect(queue).toBeGreaterThan(20)
		expect(queue).toBeLessThanOrEqual(40)
		expect(run).toBeGreaterThan(120)
		// Ten times the texts: ten times the run, but one way there.
		expect(edge.estimate({ ...embed, input: Array(20).fill('hello') }).run - run).toBeCloseTo(9 * 20, -2)
	})

	test('calls that are under way wait before the next one', async () => {
		const waiting: (() => void)[] = []
		let held = false
		const { edge, answered } = await call((response) => {
			if (held) waiting.push(() => answerWith()(response))
			else answerWith({ told: { ...ran, queue: 0, run: 100 } })(response)
		})
		await answered
		expect(edge.estimate(embed).queue).toBe(0)
		held = true
		const calls = Array.from({ length: 10 }, () => edge.infer(embed, context({ remaining: 5000 })))
		const { queue } = edge.estimate(embed)
		await expect.poll(() => waiting.length).toBe(10)
		for (const answer of waiting) answer()
		await Promise.all(calls)
		expect(queue).toBeGreaterThan(0)
		expect(edge.estimate(embed).queue).toBeLessThanOrEqual(1)
	})

	test('whatever is asked, it is a number', async () => {
		const { edge, answered } = await call(answerWith())
		await answered
		for (const input of [[1], [null], 'hello', []] as unknown as string[][]) {
			await errorOf(edge.infer({ ...embed, input }, context()))
			for (const asked of [embed, { ...embed, input }]) {
				const { queue, run } = edge.estimate(asked)
				expect(queue + run).toBeGreaterThanOrEqual(0)
			}
		}
	})

	test('of each model apart', async () => {
		const { edge, answered } = await call(answerWith())
		await answered
		expect(edge.estimate({ ...embed, model: { name: 'another' } }).run).toBe(500)
	})

	test('nothing while there is no network', async () => {
		let online = false
		const edge = edgeExecutor({ name: 'edge', address: 'http://127.0.0.1:9', online: () => online })
		expect(edge.estimate(embed)).toMatchObject({ can: 'no', reason: 'unhealthy', detail: 'offline' })
		online = true
		expect(edge.estimate(embed).can).toBe('now')
	})

	test('nothing for a while after failures; everything again after an answer', async () => {
		let broken = true
		const { edge, answered } = await call((response) => (broken ? response.writeHead(503).end() : answerWith()(response)))
		await errorOf(answered)
		expect(edge.estimate(embed).can).toBe('now')
		for (let i = 0; i < 2; i++) await errorOf(edge.infer(embed, context()))
		expect(edge.estimate(embed)).toMatchObject({ can: 'no', reason: 'unhealthy', detail: 'failed just now: upstream' })
		broken = false
		// Asked all the same when nobody else is left.
		await edge.infer(embed, context({ remaining: 5000 }))
		expect(edge.estimate(embed).can).toBe('now')
	})

	test('everything at once when the network has come back', async () => {
		const page = new EventTarget()
		const listening = new Set<unknown>()
		vi.stubGlobal('addEventListener', (type: string, listener: EventListener) => {
			listening.add(listener)
			page.addEventListener(type, listener)
		})
		vi.stubGlobal('removeEventListener', (_: string, listener: EventListener) => listening.delete(listener))
		const { address } = await serve((response) => response.destroy())
		const edge = edgeOfPage(address, undefined)
		for (let i = 0; i < 3; i++) await errorOf(edge.infer(embed, context()))
		expect(edge.estimate(embed).can).toBe('no')
		page.dispatchEvent(new Event('online'))
		expect(edge.estimate(embed).can).toBe('now')
		await edge.dispose()
		vi.unstubAllGlobals()
		expect(listening.size).toBe(0)
	})

	test("a caller's fault says nothing about the edge", async () => {
		const { edge, answered } = await call((response) =>
			response.writeHead(400).end(JSON.stringify({ type: 'urn:spillway:error:invalid-input', detail: 'no' })),
		)
		await errorOf(answered)
		expect(edge.estimate(embed).can).toBe('now')
	})

	test('an edge that was too slow is expected to be slow', async () => {
		const { edge, answered } = await call(() => {}, { more: { remaining: 700 } })
		await errorOf(answered)
		expect(edge.estimate(embed).run).toBeGreaterThan(600)
	})
})
