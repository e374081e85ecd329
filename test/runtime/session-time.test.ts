// Time in a session: calls that wait, leave or come too late, and what is expected of the next one.

import { afterEach, describe, expect, test } from 'vitest'
import type { Executor } from '../../runtime/core/executor.ts'
import { createSession } from '../../runtime/session/session.ts'
import { callOf } from './session-calls.ts'
import { filesOf, packed, textDescription, textTensors } from './tiny.ts'
import { context, ortFor, tinySession } from './tiny-sessions.ts'

let session: Executor
afterEach(() => session?.dispose())

describe('time', () => {
	const call = callOf(textTensors([[2, 4, 3]]))

	test('a call without time left, or aborted before, is not begun', async () => {
		session = await tinySession('cpu')
		await expect(session.infer(call, context({ remaining: 0 }))).rejects.toMatchObject({ code: 'deadline-exceeded' })
		await expect(session.infer(call, context({ signal: AbortSignal.abort('no more') }))).rejects.toMatchObject({
			code: 'aborted',
			cause: 'no more',
		})
	})

	test('calls that wait are taken out when they are aborted, the others are answered', async () => {
		session = await tinySession('cpu')
		const controller = new AbortController()
		const calls = Array.from({ length: 10 }, (_, index) =>
			session.infer(call, context(index % 2 === 0 ? {} : { signal: controller.signal })),
		)
		controller.abort()
		const codes = (await Promise.allSettled(calls)).map((result) => (result.status === 'fulfilled' ? 'answered' : result.reason.code))
		expect(codes).toEqual(calls.map((_, index) => (index % 2 === 0 ? 'answered' : 'aborted')))
	})

	test('after it is disposed calls are refused, and those under way settle', async () => {
		session = await tinySession('cpu')
		const running = session.infer(call, context())
		const disposed = session.dispose()
		await expect(running).rejects.toMatchObject({ code: 'disposed' })
		await disposed
		await session.dispose()
		await expect(session.infer(call, context())).rejects.toMatchObject({ code: 'disposed' })
		expect(session.estimate(call)).toMatchObject({ can: 'no', reason: 'unhealthy' })
	})

	test('estimates come from measured runs; where clocks stand still there are none', async () => {
		session = await tinySession('cpu')
		expect(session.estimate(call)).toEqual({ can: 'now', queue: 0, run: 0 })
		await session.infer(call, context())
		expect(session.estimate(call).run).toBeGreaterThan(0)

		const { manifest, digest } = await packed(textDescription())
		const graph = filesOf(manifest)['graph.onnx'] as Uint8Array
		const timeless = await createSession({
			ort: await ortFor('cpu'),
			graph,
			manifest,
			digest,
			variant: 'fp32',
			provider: 'cpu',
			name: 'edge',
			clock: null,
		})
		expect((await timeless.infer(call, context())).ran).toMatchObject({ queue: null, run: null, batch: 1 })
		await timeless.dispose()
	})
})
