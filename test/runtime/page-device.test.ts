// The device as its page sees it: when a call is begun before it is planned.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Call, EmbedCall } from '../../runtime/core/call.ts'
import type { StateMessage } from '../../runtime/device/protocol.ts'
import { type Device, deviceExecutor } from '../../runtime/page/device.ts'
import type { Engine, Told } from '../../runtime/page/engine.ts'
import { builtIn } from '../../runtime/page/lazy.ts'
import type { Settings } from '../../runtime/page/options.ts'
import { context } from './tiny-sessions.ts'

const start = 'http://localhost/start.js'
const serving: StateMessage = {
	type: 'state',
	model: 'm',
	version: '1',
	space: 'm@1/int8',
	provider: 'wasm',
	variant: 'int8',
	estimate: { can: 'now', queue: 0, run: 100 },
	pace: null,
}
let begun: Call[]
let told: (message: Told) => void
let device: Device
const disposal = new AbortController()

/** One text. */
const call = (model: Partial<Call['model']> = {}): EmbedCall => ({
	kind: 'task',
	task: 'embed',
	model: { name: 'm', ...model },
	input: ['a'],
})

beforeEach(async () => {
	begun = []
	// Node has none of the web's workers.
	vi.stubGlobal('Worker', class {})
	vi.stubGlobal('isSecureContext', true)
	const engine = {
		begin: (one) => void begun.push(one),
		over: disposal.signal,
		ask: async () => ({ ok: true, value: { ...serving, manifest: 'digest' } }),
	} as Partial<Engine> as Engine
	builtIn[start] = {
		startEngine: async (_: Settings, __: AbortSignal, onTold: typeof told) => {
			told = onTold
			return engine
		},
	}
	device = deviceExecutor({ assets: { start } } as Settings, disposal.signal, () => {})
	device.begin(call(), 1000)
	expect(begun).toEqual([])
	await device.load({ name: 'm' }, context())
})
afterEach(() => {
	delete builtIn[start]
	vi.unstubAllGlobals()
})

test('begins what it is likely to answer in time', () => {
	const one = call({ version: '1', space: serving.space as string })
	device.begin(one, 100)
	expect(begun).toEqual([one])
})

test('begins nothing where others are asked before it: it would be late, has another version or space, or cannot', () => {
	device.begin(call(), 99)
	device.begin(call({ version: '2' }), 1000)
	device.begin(call({ space: 'm@2/int8' }), 1000)
	device.begin(call({ name: 'another' }), 1000)
	told({ ...serving, estimate: { can: 'now', queue: 950, run: 100 } })
	device.begin(call(), 1000)
	told({ ...serving, estimate: { can: 'no', reason: 'unhealthy', queue: 0, run: 0 } })
	device.begin(call(), 1000)
	expect(begun).toEqual([])
})
