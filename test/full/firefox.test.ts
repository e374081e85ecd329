// Firefox: the edge's script tag in a page of another origin, answered by the device and by the edge.

import { beforeAll, describe, expect, inject, test } from 'vitest'
import { openApplication } from './application.ts'
import type { BrowserUnderTest } from './tab.ts'

const executable = process.env.TEST_FIREFOX

interface Answer {
	vectors: number[][]
	ran: { executor: string; provider: string | null }
}

/** Embeds in the page with the script tag's runtime. */
const embed = (options: object, how = '') => `
	const runtime = spillway.createRuntime(${JSON.stringify(options)})
	try {
		const minilm = runtime.model('minilm')
		${how}
		const { vectors, ran } = await minilm.embed(['how do I reset my password?', 'change password'])
		return { vectors: vectors.map((vector) => [...vector]), ran }
	} finally {
		await runtime.dispose()
	}
`

const cosine = (a: readonly number[] = [], b: readonly number[] = []) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)

describe.skipIf(!executable)('Firefox', () => {
	let firefox: BrowserUnderTest

	beforeAll(async () => {
		firefox = await openApplication(executable ?? '')
	})

	test('the device answers, with the vectors that the edge gives', async () => {
		const { url: edge, key } = inject('edge')
		const device = await firefox.evaluate<Answer>(embed({ edge, key, policy: 'device-only' }, 'await minilm.ready()'))
		expect(device.ran).toMatchObject({ executor: 'device', provider: 'wasm' })
		const remote = await firefox.evaluate<Answer>(embed({ edge, key, policy: 'edge-only' }))
		expect(remote.ran.executor).toBe('edge')
		for (const [at, vector] of device.vectors.entries()) expect(cosine(vector, remote.vectors[at])).toBeGreaterThan(0.999)
	})

	test('a second visit takes the model from storage', async () => {
		const { url: edge, key } = inject('edge')
		const { answer, fetched } = await firefox.evaluate<{ answer: Answer; fetched: number }>(`
			performance.clearResourceTimings()
			const answer = await (async () => { ${embed({ edge, key, policy: 'device-only' }, 'await minilm.ready()')} })()
			return { answer, fetched: performance.getEntriesByType('resource').filter(({ name }) => name.includes('/chunks/')).length }
		`)
		expect(answer.ran.executor).toBe('device')
		expect(fetched).toBe(0)
	})
})
