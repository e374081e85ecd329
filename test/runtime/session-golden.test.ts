// The golden check of a session before it serves.

import { afterEach, describe, expect, test } from 'vitest'
import { toTensorData } from '../../models/format/tensor-data.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { checked, type Verdict } from '../../runtime/session/checked.ts'
import { callOf } from './session-calls.ts'
import { dimensions, packed, textDescription, textTensors } from './tiny.ts'
import { context, tinySession } from './tiny-sessions.ts'

let session: Executor
afterEach(() => session?.dispose())

describe('the golden check', () => {
	const options = async (change: (description: ReturnType<typeof textDescription>) => void = () => {}) => {
		const description = textDescription()
		change(description)
		session = await tinySession('wasm', description)
		return { manifest: (await packed(description)).manifest, variant: 'fp32', provider: 'wasm' } as const
	}
	const wrong = (description: ReturnType<typeof textDescription>) => {
		const golden = description.variants.fp32?.golden[0]
		if (golden) golden.outputs.vector = toTensorData(tensor('FP32', [1, dimensions], Float32Array.of(1, 0, 0, 0)))
	}

	test('lets a session serve that answers within the tolerance, and tells the verdict', async () => {
		const verdicts: Verdict[] = []
		const settings = await options()
		expect(await checked(session, { ...settings, remember: (verdict) => void verdicts.push(verdict) })).toBe(session)
		expect(verdicts).toEqual([{ reason: null }])
	})

	test('refuses one that does not, with figures, and disposes it', async () => {
		const verdicts: Verdict[] = []
		const settings = await options(wrong)
		await expect(checked(session, { ...settings, remember: (verdict) => void verdicts.push(verdict) })).rejects.toMatchObject({
			code: 'golden-mismatch',
			message: expect.stringMatching(/on wasm here: golden sample "hello world": vector row 0: cosine -?0\.\d+ is below 0\.9999/),
		})
		expect(verdicts).toEqual([{ reason: expect.stringContaining('cosine') }])
		await expect(session.infer(callOf(textTensors([[2, 3]])), context())).rejects.toMatchObject({ code: 'disposed' })
	})

	test('believes a remembered verdict, good or bad, without running', async () => {
		const settings = await options(wrong)
		expect(await checked(session, { ...settings, verdict: { reason: null } })).toBe(session)
		await expect(checked(session, { ...settings, verdict: { reason: 'as seen before' } })).rejects.toMatchObject({
			code: 'golden-mismatch',
			message: expect.stringContaining('as seen before'),
		})
	})

	test('does not remember that it could not be run', async () => {
		const verdicts: Verdict[] = []
		const settings = await options()
		await expect(checked(session, { ...settings, remaining: 0, remember: (verdict) => void verdicts.push(verdict) })).rejects.toMatchObject(
			{
				code: 'deadline-exceeded',
				message: expect.stringContaining('golden sample "hello world"'),
			},
		)
		expect(verdicts).toEqual([])
	})
})
