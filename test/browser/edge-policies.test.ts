// Device and edge together under each of the other policies: who answers a page's call, and what is not even loaded.

import { describe, expect, test } from 'vitest'
import type { SpillwayError } from '../../runtime/index.ts'
import { calls, embed, gate, open, page, ready, site } from './edge-page.ts'

describe('device-only', () => {
	test('the edge is never asked to answer, and what calls it is not even loaded', async () => {
		site.asked.length = 0
		await open({ policy: 'device-only' })
		expect((await embed()).ran).toMatchObject({ executor: 'device', overflow: [] })
		expect(calls).toBe(0)
		expect(site.asked).toContain('/spillway/engine.js')
		expect(site.asked).not.toContain('/spillway/edge.js')
	})

	test('for one call, where the runtime would allow more', async () => {
		await open()
		expect((await embed({ policy: 'device-only' })).ran.executor).toBe('device')
		expect(calls).toBe(0)
	})
})

describe('prefer-edge', () => {
	test('the edge answers, and no model is downloaded; ready() downloads it all the same', async () => {
		site.asked.length = 0
		await open({ policy: 'prefer-edge' })
		expect((await embed()).ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'policy' }] })
		expect(site.asked).not.toContain('/spillway/engine.js')
		expect(await ready()).toBe('none')
		expect((await embed()).ran.executor).toBe('edge')
	})

	test('the device is loaded, and answers, when the edge cannot', async () => {
		await open({ policy: 'prefer-edge', key: 'pk_unknown' })
		expect((await embed()).ran).toMatchObject({
			executor: 'device',
			overflow: [{ executor: 'edge', reason: 'unhealthy', detail: expect.stringMatching(/^unauthenticated/) }],
		})
	})

	test('also when the edge does not answer', async () => {
		await open({ policy: 'prefer-edge' })
		const release = gate.close()
		try {
			expect((await embed()).ran).toMatchObject({ executor: 'device', overflow: [{ executor: 'edge', reason: 'deadline' }] })
		} finally {
			release()
		}
	})
})

describe('fastest', () => {
	test('the edge while it alone can; then who is expected to be faster', async () => {
		await open({ policy: 'fastest' })
		expect((await embed()).ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'loading' }] })
		expect(await ready()).toBe('none')
		const explained = await page.evaluate(() => window.runtime.model('m').explain())
		const finish = (one: { estimate: { queue: number; run: number } } | null) => (one ? one.estimate.queue + one.estimate.run : Number.NaN)
		const faster = finish(explained.device) <= finish(explained.edge) ? 'device' : 'edge'
		expect((await embed()).ran.executor).toBe(faster)
	})
})

describe('edge-only', () => {
	test('when what calls the edge could not be loaded, the next call tries again', async () => {
		site.fault = (path, response) => path.endsWith('/edge.js') && !!response.writeHead(503).end()
		await open({ policy: 'edge-only' })
		const failed = () => page.evaluate(() => window.errorOf(window.runtime.model('m').embed(['hello'])))
		expect(await failed()).toMatchObject({ code: 'network', message: expect.stringContaining('edge.js') })
		expect(await failed()).toMatchObject({ code: 'network' })
		site.fault = undefined
		expect((await embed()).ran).toMatchObject({ executor: 'edge' })
	})

	test('nothing is loaded: no worker, no model', async () => {
		await open({ policy: 'edge-only' })
		const requests: string[] = []
		page.on('request', (request) => requests.push(new URL(request.url()).pathname))
		expect(await ready()).toBe('none')
		expect((await embed()).ran).toMatchObject({ executor: 'edge', overflow: [] })
		expect(page.workers()).toEqual([])
		expect(requests.filter((path) => path !== '/spillway/telemetry.js')).toEqual(['/v1/tasks/embed'])
	})

	test('an answer that does not come: the deadline', async () => {
		await open({ policy: 'edge-only' })
		const release = gate.close()
		const error = await page.evaluate(() => window.errorOf(window.runtime.model('m').embed(['hello'], { deadline: 200 })))
		release()
		expect(error).toMatchObject({ code: 'deadline-exceeded' })
	})

	test('aborted, and disposed', async () => {
		await open({ policy: 'edge-only' })
		const release = gate.close()
		const errors = await page.evaluate(async () => {
			const model = window.runtime.model('m')
			const controller = new AbortController()
			const first = window.errorOf(model.embed(['hello'], { signal: controller.signal }))
			const second = window.errorOf(model.embed(['hello']))
			setTimeout(() => controller.abort(), 50)
			await first
			await window.runtime.dispose()
			return [await first, await second].map((error) => (error as SpillwayError).code)
		})
		release()
		expect(errors).toEqual(['aborted', 'disposed'])
	})
})
