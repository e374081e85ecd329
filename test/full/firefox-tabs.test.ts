// Firefox: one engine for several windows of an origin, and another one when its window is gone.

import { beforeAll, describe, expect, inject, test } from 'vitest'
import { openApplication } from './application.ts'
import type { BrowserUnderTest } from './tab.ts'

const executable = process.env.TEST_FIREFOX

describe.skipIf(!executable)('Firefox', () => {
	let firefox: BrowserUnderTest

	beforeAll(async () => {
		firefox = await openApplication(executable ?? '')
	})

	test('windows share an engine; calls that wait when its window goes are answered by the next', async () => {
		const { url: edge, key } = inject('edge')
		const { before, outcomes, after } = await firefox.evaluate<{ before: Tabs[]; outcomes: string[]; after: Tabs[] }>(`
			const frames = []
			for (let i = 0; i < 4; i++) {
				const frame = document.createElement('iframe')
				frame.src = location.href
				const loaded = new Promise((resolve) => { frame.onload = resolve })
				document.body.append(frame)
				await loaded
				frame.model = frame.contentWindow.spillway.createRuntime({ edge: '${edge}', key: '${key}', policy: 'device-only', shared: true }).model('minilm')
				frames.push(frame)
			}
			const ask = ({ model }) => model.embed(['how do I reset my password?'], { deadline: 100000 }).then(() => 'answered', ({ message }) => message)
			const explain = async ({ model }) => (await model.explain()).device.report.tabs
			await Promise.all(frames.map(ask))
			const before = await Promise.all(frames.map(explain))
			const [leader] = frames.splice(before.findIndex(({ leads }) => leads), 1)
			const waiting = frames.flatMap((frame) => Array.from({ length: 17 }, () => ask(frame)))
			leader.remove()
			const outcomes = await Promise.all(waiting)
			return { before, outcomes, after: await Promise.all(frames.map(explain)) }
		`)
		expect(before.map(({ count }) => count)).toEqual([4, 4, 4, 4])
		expect(new Set(outcomes)).toEqual(new Set(['answered']))
		expect(after.map(({ count }) => count)).toEqual([3, 3, 3])
		for (const tabs of [before, after]) expect(tabs.filter(({ leads }) => leads)).toHaveLength(1)
	})
})

interface Tabs {
	count: number
	leads: boolean
}
