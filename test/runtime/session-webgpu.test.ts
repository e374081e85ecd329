// Sessions on WebGPU, whose runs must not overlap and may hang for ever.

import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Executor } from '../../runtime/core/executor.ts'
import type { Ort } from '../../runtime/session/ort.ts'
import { createSession } from '../../runtime/session/session.ts'
import { type Gate, makeGate } from '../contract/gate.ts'
import { callOf, outputs } from './session-calls.ts'
import { filesOf, packed, textDescription, textTensors } from './tiny.ts'
import { context, ortFor } from './tiny-sessions.ts'

let session: Executor
afterEach(() => session?.dispose())

describe('on WebGPU, where runs must not overlap and may hang for ever', () => {
	/** The same ONNX Runtime under another name, each run of which waits for the gate. */
	async function gpuSession(gate: Gate, remaining?: number): Promise<Executor> {
		const { manifest, digest } = await packed(textDescription())
		const { InferenceSession, Tensor } = await ortFor('cpu')
		const ort = {
			Tensor,
			InferenceSession: {
				async create(graph: Uint8Array) {
					const made = await InferenceSession.create(graph)
					return { run: (feeds: never) => gate.passed().then(() => made.run(feeds)), release: () => made.release() }
				},
			},
		} as unknown as Ort
		const graph = filesOf(manifest)['graph.onnx'] as Uint8Array
		return createSession({
			ort,
			graph,
			manifest,
			digest,
			variant: 'fp32',
			provider: 'webgpu',
			name: 'device',
			...(remaining === undefined ? {} : { remaining }),
		})
	}
	const call = callOf(textTensors([[2, 4, 3]]))

	test('a session cannot be made while a run of another hangs: that is said in time', async () => {
		const gate = makeGate()
		session = await gpuSession(gate)
		const open = gate.close()
		const hangs = session.infer(call, context())
		await expect(gpuSession(gate, 50)).rejects.toMatchObject({ code: 'deadline-exceeded', message: expect.stringContaining('webgpu') })
		open()
		await hangs
		const other = await gpuSession(gate, 5_000)
		await expect(outputs(other, call)).resolves.toBeDefined()
		await other.dispose()
	})

	test('disposal does not wait for a run that hangs', async () => {
		const gate = makeGate()
		const hanging = await gpuSession(gate)
		const open = gate.close()
		const run = hanging.infer(call, context())
		await new Promise((resolve) => setTimeout(resolve, 20))
		vi.useFakeTimers()
		try {
			const disposed = hanging.dispose()
			await expect(run).rejects.toMatchObject({ code: 'disposed' })
			await vi.advanceTimersByTimeAsync(5_000)
			await disposed
		} finally {
			vi.useRealTimers()
			open()
		}
		// The lane is free again, and what hung was released.
		session = await gpuSession(gate, 5_000)
		await expect(outputs(session, call)).resolves.toBeDefined()
	})
})
