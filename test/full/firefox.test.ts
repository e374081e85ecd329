// Firefox: the edge's script tag in a page of another origin, answered by the device and by the edge.

import { beforeAll, describe, expect, inject, test } from 'vitest'
import { type Application, openApplication } from './application.ts'

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
	let firefox: Application

	beforeAll(async () => {
		firefox = await openApplication(executable ?? '')
	})

	/** Embeds on the device; in the page opened anew, where that hung. */
	async function onDevice(options: object): Promise<Answer> {
		const answer = await firefox.evaluate<Answer | null>(`
			const late = new Promise((resolve) => setTimeout(resolve, 60_000, null))
			return Promise.race([late, (async () => { ${embed({ ...options, policy: 'device-only' }, 'await minilm.ready()')} })()])
		`)
		if (answer) return answer
		// As in the tests of the executor contract: under WebDriver BiDi one worker in a hundred that starts another hangs in `new Worker`.
		await firefox.open(firefox.address)
		return onDevice(options)
	}

	test('the device answers, with the vectors that the edge gives', async () => {
		const { url: edge, key } = inject('edge')
		const device = await onDevice({ edge, key })
		expect(device.ran).toMatchObject({ executor: 'device', provider: 'wasm' })
		const remote = await firefox.evaluate<Answer>(embed({ edge, key, policy: 'edge-only' }))
		expect(remote.ran.executor).toBe('edge')
		for (const [at, vector] of device.vectors.entries()) expect(cosine(vector, remote.vectors[at])).toBeGreaterThan(0.999)
	})

	test('a second visit takes the model from storage', async () => {
		const { url: edge, key } = inject('edge')
		await firefox.evaluate('performance.clearResourceTimings()')
		const answer = await onDevice({ edge, key })
		const fetched = await firefox.evaluate<number>(
			`return performance.getEntriesByType('resource').filter(({ name }) => name.includes('/chunks/')).length`,
		)
		expect(answer.ran.executor).toBe('device')
		expect(fetched).toBe(0)
	})
})
