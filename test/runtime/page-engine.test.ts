// The engine's start as its page sees it: one that takes too long says what to do, and why.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startEngine } from '../../runtime/page/engine.ts'
import type { Settings } from '../../runtime/page/options.ts'

const settings = { assets: { engine: 'http://localhost/engine.js' }, models: [], policy: 'device-only' } as unknown as Settings
let hello: object | undefined

/** A worker that never answers; Node has none of the web's. */
class Silent extends EventTarget {
	postMessage(): void {
		if (hello) this.dispatchEvent(new MessageEvent('message', { data: hello }))
	}
	terminate(): void {}
}

beforeEach(() => {
	vi.stubGlobal('self', { origin: 'http://localhost' })
	vi.stubGlobal('Worker', Silent)
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
	vi.useRealTimers()
	vi.unstubAllGlobals()
})

test.each([
	['its script has not come', undefined, { code: 'network', message: expect.stringContaining('engine.js has not come within 30 s') }],
	['it runs and does not answer', { lock: 'engine' }, { code: 'environment', message: expect.stringContaining('has not answered') }],
])('%s: no error that asks for a longer deadline', async (_, said, expected) => {
	hello = said
	const starting = startEngine(settings, new AbortController().signal, () => {}).catch((error) => error)
	await vi.advanceTimersByTimeAsync(30_000)
	expect(await starting).toMatchObject(expected)
})
