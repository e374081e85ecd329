// The device answers, or refuses with a typed error: models from a plain static host, no edge anywhere.

import { describe, expect, test } from 'vitest'
import type { SpillwayError } from '../../runtime/index.ts'
import { ringReference } from '../fixtures/ring/make.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { close, devicePage, hello } from './device-page.ts'
import { staticHost } from './page.ts'

const on = devicePage('one for all')

describe('answers', () => {
	test('a text, without waiting for ready before', async () => {
		const { vectors, space, ran } = await on.embed(['hello world'])
		expect(vectors).toEqual([hello])
		expect(space).toMatch(/^tiny-text@[0-9a-f]{64}\/fp32$/)
		expect(ran).toEqual({
			executor: 'device',
			provider: 'wasm',
			model: 'tiny-text',
			version: '1.0.0',
			variant: 'fp32',
			space,
			queue: expect.any(Number),
			run: expect.any(Number),
			batch: 1,
			hops: 0,
			overflow: [],
		})
	})

	test('many texts in one call, in order', async () => {
		const texts = Array.from({ length: 50 }, (_, i) => (i % 2 ? 'hello world' : 'red'))
		const { vectors } = await on.embed(texts)
		vectors.forEach((vector, i) => {
			expect(vector).toEqual(i % 2 ? hello : close(expectedVector([2, 9, 3])))
		})
	})

	test('many calls at once, each its own', async () => {
		const vectors = await on.page.evaluate(async () => {
			const model = window.runtime.model('tiny-text')
			const texts = Array.from({ length: 100 }, (_, i) => (i % 2 ? 'hello world' : 'red'))
			return Promise.all(texts.map(async (text) => [...((await model.embed([text])).vectors[0] ?? [])]))
		})
		vectors.forEach((vector, i) => {
			expect(vector).toEqual(i % 2 ? hello : close(expectedVector([2, 9, 3])))
		})
	})

	test('raw tensors of a model that is no text model', async () => {
		const signal = [0.5, -1, 0.25, 0.75, -0.5, 1]
		const { filtered, peak, ran } = await on.page.evaluate(async (signal) => {
			const { tensors, ran } = await window.runtime.model('ring').infer({
				signal: window.spillway.tensor('FP32', [signal.length], Float32Array.from(signal)),
				gain: { datatype: 'FP32', shape: [1], data: Float32Array.of(2) },
			})
			return { filtered: [...(tensors.filtered?.data ?? [])] as number[], peak: Number(tensors.peak?.data[0]), ran }
		}, signal)
		const expected = ringReference(signal, 2)
		expect(filtered).toEqual(Array.from(expected.filtered, (value) => expect.closeTo(value, 3)))
		expect(peak).toBeCloseTo(expected.peak, 3)
		expect(ran).toMatchObject({ executor: 'device', model: 'ring', provider: 'wasm' })
	})

	test('in a cross-origin isolated page as well', async () => {
		const page = await on.open(await staticHost(on.models, { isolated: true }))
		expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
		const vector = await page.evaluate(async () => {
			const { vectors } = await window.runtime.model('tiny-text').embed(['hello world'])
			return [...(vectors[0] ?? [])]
		})
		expect(vector).toEqual(hello)
		await page.context().close()
	})
})

describe('refuses, with a typed error', () => {
	test.each<[string, () => Promise<unknown>, string, RegExp]>([
		['text that is no array', () => window.runtime.model('tiny-text').embed('hello' as never), 'invalid-input', /array/],
		['what is no text', () => window.runtime.model('tiny-text').embed(['a', 1 as never]), 'invalid-input', /texts\[1\]/],
		[
			'a deadline that is no number',
			() => window.runtime.model('tiny-text').embed(['a'], { deadline: Number.NaN }),
			'invalid-input',
			/deadline/,
		],
		[
			'a deadline that never ends',
			() => window.runtime.model('tiny-text').embed(['a'], { deadline: Number.POSITIVE_INFINITY }),
			'invalid-input',
			/deadline/,
		],
		['a signal that is none', () => window.runtime.model('tiny-text').embed(['a'], { signal: {} as never }), 'invalid-input', /./],
		['to loosen the policy', () => window.runtime.model('tiny-text').embed(['a'], { policy: 'prefer-device' }), 'invalid-input', /tighten/],
		['tensors that are none', () => window.runtime.model('ring').infer({ signal: [1, 2] as never }), 'invalid-input', /./],
		['no tensors', () => window.runtime.model('ring').infer({}), 'invalid-input', /tensors/],
		['what a worker cannot be sent', () => window.runtime.model('ring').infer({ signal: (() => {}) as never }), 'invalid-input', /./],
		['another space', () => window.runtime.model('tiny-text').embed(['a'], { space: 'other@0/fp32' }), 'unsupported', /space/],
		['a model that is not there', () => window.runtime.model('nothing').embed(['a']), 'not-found', /./],
		['a version that is not there', () => window.runtime.model('tiny-text', { version: '9.9.9' }).embed(['a']), 'not-found', /9\.9\.9/],
		[
			'tensors of a text model in wrong shape',
			() => window.runtime.model('tiny-text').infer({ ids: { datatype: 'INT64', shape: [1], data: BigInt64Array.of(1n) } }),
			'invalid-input',
			/./,
		],
		['text for a model without a task', () => window.runtime.model('ring').embed(['a']), 'unsupported', /./],
	])('%s', async (_, act, code, message) => {
		const error = await on.page.evaluate(`errorOf((${act})())`)
		expect(error).toEqual({ name: 'SpillwayError', code, message: expect.stringMatching(message) })
		// And nothing is broken by it.
		expect((await on.embed(['hello world'])).vectors).toEqual([hello])
	})

	test('a name that is none, at once', async () => {
		const code = await on.page.evaluate(() => {
			try {
				window.runtime.model('../secret')
			} catch (error) {
				return (error as SpillwayError).code
			}
		})
		expect(code).toBe('invalid-input')
	})
})
