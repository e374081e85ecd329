// An origin for each test, and what its tabs do with their engine.

import { afterEach, beforeEach, expect, vi } from 'vitest'
import type { Answer, Call } from '../../runtime/core/call.ts'
import type { SpillwayError } from '../../runtime/core/error.ts'
import { unwrap } from '../../runtime/device/control.ts'
import type { Engine } from '../../runtime/page/engine.ts'
import { makeOrigin, type Origin, type SimulatedTab } from './tabs-sim.ts'
import { context } from './tiny-sessions.ts'

export let origin: Origin

beforeEach(() => {
	origin = makeOrigin()
})
afterEach(() => origin.close())

export const call = (model = 'm'): Call => ({ kind: 'tensors', model: { name: model }, tensors: {} })

export const start = async ({ tab }: SimulatedTab): Promise<Engine> =>
	(await tab.start()) ?? Promise.reject(new Error(`alone: ${tab.alone}`))

/** Loads and calls, as the device's executor of a page does. */
export async function infer(engine: Engine, model = 'm'): Promise<Answer> {
	unwrap(await engine.ask('load', [model]))
	return engine.infer(call(model), context())
}

export const errorOf = async (promise: Promise<unknown>): Promise<SpillwayError> =>
	promise.then(
		() => expect.fail('answered'),
		(error) => error,
	)

export const until = (what: () => unknown) => vi.waitUntil(what, { timeout: 10_000, interval: 5 })
