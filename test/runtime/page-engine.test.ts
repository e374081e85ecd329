// The engine's start as its page sees it: one that takes too long says what to do, and why.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startEngine } from '../../runtime/page/engine.ts'
import type { Settings } from '../../runtime/page/options.ts'

const settings = { assets: { engine: 'http://localhost/engine.js' }, models: [], policy: 'device-only' } as unknown as Settings
let hello: object | undefined
/** Methods that it answers. */
let answers: (method: string) => boolean = () => false
let ended = false

/** A worker that is as silent as is wanted; Node has none of the web's. */
class Silent extends EventTarget {
	postMessage({ id, path: [method] }: { id: string; path: [string] }): void {
		if (hello) this.dispatchEvent(new MessageEvent('message', { data: hello }))
		if (answers(method)) this.dispatchEvent(new MessageEvent('message', { data: { id, type: 'RAW', value: { ok: true } } }))
	}
	terminate(): void {
		ended = true
	}
}

beforeEach(() => {
	vi.stubGlobal('self', { origin: 'http://localhost' })
	vi.stubGlobal('Worker', Silent)
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
	answers = () => false
	hello = undefined
	ended = false
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

test('one that is started and then hangs is given up after half a minute; one that turns is not', async () => {
	answers = () => true
	const { over } = await startEngine(settings, new AbortController().signal, () => {})
	await vi.advanceTimersByTimeAsync(600_000)
	expect(over.aborted).toBe(false)
	answers = () => false
	await vi.advanceTimersByTimeAsync(29_000)
	expect(over.aborted).toBe(false)
	await vi.advanceTimersByTimeAsync(12_000)
	expect(over.reason).toMatchObject({ code: 'worker-lost', message: expect.stringContaining('has not answered for 30 s') })
	expect(ended).toBe(true)
	expect(vi.getTimerCount()).toBe(0)
})
