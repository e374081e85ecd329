// What `createRuntime` takes, and what it says to what it does not take.

import { describe, expect, test } from 'vitest'
import { gpuBuild } from '../../runtime/device/gpu-build.ts'
import { createRuntime } from '../../runtime/index.ts'
import { type RuntimeOptions, settingsOf } from '../../runtime/page/options.ts'

const key = 'A'.repeat(43)
const beside = { edge: 'd', engine: 'e', session: 's', start: 'a', tabs: 'b', telemetry: 't', wasm: 'w' }
const settings = (options: RuntimeOptions) => settingsOf(options, () => beside)

describe('an edge is enough', () => {
	test('models, trust and files have their defaults', () =>
		expect(settings({ edge: 'https://edge.example.com' })).toEqual({
			edge: 'https://edge.example.com/',
			key: undefined,
			policy: 'prefer-device',
			models: ['https://edge.example.com/models/'],
			trust: { jwks: 'https://edge.example.com/.well-known/jwks.json' },
			assets: beside,
			tuning: {},
			shared: false,
			telemetry: {},
		}))

	test('its path is kept', () => expect(settings({ edge: 'https://example.com/ai/' }).models).toEqual(['https://example.com/ai/models/']))

	test('what is given is used', () =>
		expect(
			settings({
				edge: 'http://localhost:8787',
				key: 'pk_1',
				policy: 'device-only',
				trust: [key],
				models: 'https://cdn.example.com/m',
				assets: 'https://cdn.example.com/a/',
				workers: 2,
				idle: Number.POSITIVE_INFINITY,
				providers: ['wasm', 'webgpu'],
			}),
		).toEqual({
			edge: 'http://localhost:8787/',
			key: 'pk_1',
			policy: 'device-only',
			models: ['https://cdn.example.com/m/'],
			trust: { keys: [key] },
			assets: {
				edge: 'https://cdn.example.com/a/edge.js',
				engine: 'https://cdn.example.com/a/engine.js',
				gpu: {
					session: `https://cdn.example.com/a/gpu-${gpuBuild}.js`,
					wasm: `https://cdn.example.com/a/ort-wasm-simd-threaded.${gpuBuild}.wasm`,
				},
				session: 'https://cdn.example.com/a/session.js',
				start: 'https://cdn.example.com/a/start.js',
				tabs: 'https://cdn.example.com/a/tabs.js',
				telemetry: 'https://cdn.example.com/a/telemetry.js',
				wasm: 'https://cdn.example.com/a/ort-wasm-simd-threaded.wasm',
			},
			shared: false,
			tuning: { workers: 2, idle: Number.POSITIVE_INFINITY, providers: ['wasm', 'webgpu'] },
			telemetry: false,
		}))
})

test('models may be at several addresses, asked in this order', () =>
	expect(settings({ models: ['https://b.example.com/m', 'https://a.example.com/local'], trust: [key] }).models).toEqual([
		'https://b.example.com/m/',
		'https://a.example.com/local/',
	]))

test('models without an edge need trust keys, and nothing else', () =>
	expect(settings({ models: 'https://cdn.example.com/m/', trust: [key] })).toMatchObject({ edge: undefined, trust: { keys: [key] } }))

describe('wrong options are refused when the runtime is made', () => {
	test.each<[string, object, RegExp]>([
		['nothing', {}, /give edge or models/],
		['no options at all', undefined as never, /give edge or models/],
		['an edge that is null', { edge: null }, /give edge or models/],
		['a trust key that is in no list', { edge: 'https://e.example', trust: key }, /trust must be a list/],
		['models without trust', { models: 'https://cdn.example.com/m/' }, /trust/],
		['models with no trust key at all', { models: 'https://cdn.example.com/m/', trust: [] }, /trust/],
		['edge-only without an edge', { policy: 'edge-only', models: 'https://cdn.example.com/m/', trust: [key] }, /give edge$/],
		['an unknown policy', { edge: 'https://e.example', policy: 'device' }, /policy: "device" is none of prefer-device/],
		['a misspelt option', { edge: 'https://e.example', polcy: 'device-only' }, /unknown option "polcy"/],
		['an edge that is no address', { edge: 'edge' }, /edge: "edge" is no plain http/],
		['an edge that is no text', { edge: 7 }, /edge: "7"/],
		['another scheme', { edge: 'ftp://e.example' }, /edge/],
		['a user in the address', { edge: 'https://me:secret@e.example' }, /edge/],
		['a query', { edge: 'https://e.example/?a=1' }, /edge/],
		['a list with one that is no address', { models: ['https://e.example/', 'ftp://e.example/'], trust: [key] }, /models: "ftp/],
		['an empty list of models', { models: [], trust: [key] }, /give edge or models/],
		['a download that is none', { edge: 'https://e.example/', download: 'never' as never }, /download must be auto, ask, wifi/],
		['a fragment', { models: 'https://e.example/#a', trust: [key] }, /models/],
		['assets that are no address', { edge: 'https://e.example', assets: '' }, /assets/],
		['a trust key that is too short', { edge: 'https://e.example', trust: ['abc'] }, /trust: "abc" is no trust key/],
		['a trust key in base64', { edge: 'https://e.example', trust: [`${key.slice(1)}=`] }, /trust/],
		['no worker at all', { edge: 'https://e.example', workers: 0 }, /createRuntime: workers must be a whole number above 0/],
		['half a thread', { edge: 'https://e.example', threads: 1.5 }, /threads must/],
		['a batch that is no number', { edge: 'https://e.example', maxBatch: '8' }, /maxBatch must/],
		['a wait without end', { edge: 'https://e.example', maxWait: Number.POSITIVE_INFINITY }, /maxWait must be milliseconds/],
		['memory that is none', { edge: 'https://e.example', memory: Number.NaN }, /memory must be a number of bytes/],
		['storage that is none', { edge: 'https://e.example', storage: -1 }, /storage must be a number of bytes/],
		['negative idleness', { edge: 'https://e.example', idle: -1 }, /idle must be milliseconds, or Infinity/],
		['no provider', { edge: 'https://e.example', providers: [] }, /providers must be a list of wasm, webgpu, webnn/],
		['an unknown provider', { edge: 'https://e.example', providers: ['cuda'] }, /providers must/],
		['a sample that is no share', { edge: 'https://e.example', telemetry: { sample: 2 } }, /telemetry must be false or/],
		['consent that is no function', { edge: 'https://e.example', telemetry: { consent: true } }, /telemetry must be/],
		['a tracer that is none', { edge: 'https://e.example', telemetry: { tracer: {} } }, /telemetry must be/],
		['a misspelt part of telemetry', { edge: 'https://e.example', telemetry: { samples: 1 } }, /telemetry must be/],
		['sharing that is neither', { edge: 'https://e.example', shared: 'yes' }, /shared must be true or false/],
		['an empty key', { edge: 'https://e.example', key: '' }, /key/],
		['a key over two lines', { edge: 'https://e.example', key: 'a\nb' }, /key/],
	])('%s', (_, options, message) => {
		const refusal = expect.objectContaining({ name: 'SpillwayError', code: 'malformed', message: expect.stringMatching(message) })
		expect(() => createRuntime(options as RuntimeOptions)).toThrow(refusal)
	})
})

describe('a call', () => {
	const options = { models: 'https://cdn.example.com/m/', trust: [key] }
	const refusal = (message: RegExp) => ({ code: 'invalid-input', message: expect.stringMatching(message) })

	test.each(['device-only', 'edge-only'] as const)('cannot loosen %s, nor turn it round', async (policy) => {
		const runtime = createRuntime({ ...options, edge: 'http://127.0.0.1:9', policy })
		for (const asked of ['prefer-device', 'prefer-edge', 'fastest', policy === 'edge-only' ? 'device-only' : 'edge-only'] as const)
			await expect(runtime.model('minilm').embed(['a'], { policy: asked })).rejects.toMatchObject(refusal(/does not tighten/))
		await runtime.dispose()
	})

	test('has a policy and a priority that are some', async () => {
		const model = createRuntime(options).model('minilm')
		await expect(model.embed(['a'], { policy: 'no-such' as never })).rejects.toMatchObject(refusal(/policy: "no-such"/))
		await expect(model.embed(['a'], { priority: 'urgent' as never })).rejects.toMatchObject(refusal(/priority must be high/))
	})
})

describe('outside of a page', () => {
	test('a runtime can be made, names no model that cannot be, and says that it has no device', async () => {
		const runtime = createRuntime({ models: 'https://cdn.example.com/m/', trust: [key] })
		expect(() => runtime.model('Minilm')).toThrow(expect.objectContaining({ code: 'invalid-input' }))
		await expect(runtime.load('minilm')).rejects.toMatchObject({ code: 'environment' })
		await expect(runtime.model('minilm').embed(['a'])).rejects.toMatchObject({ code: 'environment' })
		await runtime.dispose()
		await expect(runtime.model('minilm').embed(['a'])).rejects.toMatchObject({ code: 'disposed' })
	})
})
