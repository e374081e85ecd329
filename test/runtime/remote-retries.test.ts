// Retries across a network: what an edge spends of them, and what is left.

import { describe, expect, test } from 'vitest'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { answerWith, call, embed, errorOf, type serve } from './remote-edge.ts'
import { context } from './scripted.ts'

describe('retries', () => {
	/** What is left of three, after a call to such a server. */
	async function leftAfter(answer: Parameters<typeof serve>[0], more: Parameters<typeof context>[0] = {}): Promise<number> {
		const retries = { left: 3 }
		await (await call(answer, { more: { ...more, retries } })).answered.catch(() => {})
		return retries.left
	}

	test('what the edge has spent is spent, whether it answered or not', async () => {
		expect(await leftAfter(answerWith({ headers: { 'spillway-retries': '1' } }))).toBe(1)
		expect(await leftAfter((response) => response.writeHead(503, { 'spillway-retries': '2' }).end())).toBe(2)
	})

	test('a server that says nothing of them has spent none, and nobody can give more', async () => {
		expect(await leftAfter(answerWith())).toBe(3)
		expect(await leftAfter(answerWith({ headers: { 'spillway-retries': '99' } }))).toBe(3)
	})

	test('what was handed on and did not come back counts as spent', async () => {
		expect(await leftAfter((response) => response.destroy())).toBe(0)
		expect(await leftAfter(() => {}, { remaining: 50 })).toBe(0)
	})

	test('nothing was handed on with a call that was not sent', async () => {
		const retries = { left: 3 }
		const edge = edgeExecutor({ name: 'edge', address: 'http://127.0.0.1:9' })
		await errorOf(edge.infer({ ...embed, input: [1n] as unknown as string[] }, context({ retries })))
		expect(retries.left).toBe(3)
	})
})
