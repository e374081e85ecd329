// Upstreams of a declared mapping: what they send, what they make of right answers and of every wrong one.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkConfig } from '../../edge/config/load.ts'
import type { UpstreamModel } from '../../edge/upstreams/upstream.ts'
import type { Call } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { context } from './harness/minilm.ts'
import { call, expected, MappedServer, pair, right } from './mapped-server.ts'

const there = new MappedServer()
beforeAll(() => there.listen())
afterAll(() => there.close())

const embed: Call = { kind: 'task', model: { name: 'pair' }, task: 'embed', input: ['x', 'y'] }
describe('http', () => {
	test('rows go out and come back by default', async () => {
		expect(
			await there.outputs(
				{ kind: 'http', path: '/run' },
				{
					predictions: [
						{ y: [1, 2], n: 5 },
						{ y: [3, 4], n: 6, more: 1 },
					],
				},
			),
		).toEqual(expected)
		expect(there.asked()).toEqual({
			instances: [
				{ a: [1, 2], b: 0.5 },
				{ a: [3, 4], b: -0 },
			],
		})
		expect([there.seen?.method, there.seen?.path]).toEqual(['POST', '/base/run'])
		expect(there.seen?.body.toString()).toContain('"b":-0')
	})

	test('everything is as declared', async () => {
		const settings = {
			kind: 'http',
			method: 'PUT',
			path: '/run/{model}/{version}?q=1',
			headers: { 'X-Tenant': 'search', 'X-Secret': { env: 'THE_SECRET' } },
			keyHeader: 'api-key',
			body: { parts: ['$input.a', '$shape.b', '$datatype.a', '$model', '$version', '$$literal', 1, null, true], all: '$columns' },
			outputs: { y: '/result/*/y', n: '/a~1b' },
		}
		const body = { result: [{ y: [1, 2] }, { y: [3, 4] }], 'a/b': [5, 6] }
		expect(await there.outputs(settings, body, { key: 'k', environment: { THE_SECRET: 's' } })).toEqual(expected)
		expect([there.seen?.method, there.seen?.path]).toEqual(['PUT', '/base/run/pair%20there/7?q=1'])
		expect(there.seen?.headers).toMatchObject({ 'x-tenant': 'search', 'x-secret': 's', 'api-key': 'k', 'spillway-hops': '1' })
		expect(there.seen?.headers.authorization).toBeUndefined()
		expect(there.asked().parts).toEqual([
			[
				[1, 2],
				[3, 4],
			],
			[2],
			'INT64',
			'pair there',
			'7',
			'$literal',
			1,
			null,
			true,
		])
		expect(there.asked().all).toEqual({
			a: [
				[1, 2],
				[3, 4],
			],
			b: [0.5, -0],
		})
	})

	test('a key goes out as Bearer', async () => {
		await there.outputs({ kind: 'http', outputs: '' }, right, { key: 'k' })
		expect(there.seen?.headers.authorization).toBe('Bearer k')
	})

	test('texts', async () => {
		there.answerWith({ usage: { n: 3 }, data: [{ v: [1, 2] }, { v: [3, 4] }] })
		const settings = { kind: 'http', embed: { body: { input: '$texts', model: '$model' }, vectors: '/data/*/v', tokens: '/usage/n' } }
		const { output, ran } = await there.make(settings).infer(embed, context())
		expect(output).toEqual({ kind: 'embed', vectors: [Float32Array.of(1, 2), Float32Array.of(3, 4)], tokens: 3 })
		expect(ran).toMatchObject({ executor: 'there', version: '1', space: 'pair@1', hops: 1 })
		expect(there.asked()).toEqual({ input: ['x', 'y'], model: 'pair there' })
		for (const data of [[], [{ v: [1, 2] }], [{ v: [1] }, { v: [2] }], [{ v: [1, null] }, { v: [1, 2] }], [{ v: [1, 2] }, {}]]) {
			there.answerWith({ usage: { n: 3 }, data })
			await expect(there.make(settings).infer(embed, context())).rejects.toMatchObject({ code: 'upstream' })
		}
		await expect(there.make({ kind: 'http' }).infer(embed, context())).rejects.toMatchObject({ code: 'unsupported' })
	})

	test('what JSON cannot carry is not sent', async () => {
		there.seen = undefined
		const nan: Call = {
			...call,
			tensors: { ...call.tensors, b: tensor('FP32', [2], Float32Array.of(1, Number.NaN)) },
		}
		await expect(there.make({ kind: 'http' }).infer(nan, context())).rejects.toMatchObject({ code: 'unsupported' })
		expect(there.seen).toBeUndefined()
	})
})

describe('a wrong answer is an error', () => {
	const fails = async (code: string) =>
		expect(there.make({ kind: 'http', outputs: '' }).infer(call, context())).rejects.toMatchObject({
			code,
			message: expect.stringContaining('there'),
		})

	test.each<[string, unknown]>([
		['a list too short', [{ y: [1, 2], n: 5 }]],
		['a row without an output', [{ y: [1, 2], n: 5 }, { y: [1, 2] }]],
		['ragged', { ...right, y: [[1, 2], [3]] }],
		['another shape', { ...right, y: [[1], [2]] }],
		[
			'text',
			{
				...right,
				y: [
					['1', '2'],
					['3', '4'],
				],
			},
		],
		['null', { ...right, n: [null, 1] }],
		['half an integer', { ...right, n: [1.5, 1] }],
		[
			'a number beyond FP32',
			{
				...right,
				y: [
					[1e300, 2],
					[3, 4],
				],
			},
		],
		['nothing', null],
		['an error in a 200', { error: 'CUDA out of memory' }],
	])('%s', async (_, body) => {
		there.answerWith(body)
		await fails('upstream')
	})

	test.each<[number, string]>([
		[400, 'upstream'],
		[401, 'upstream'],
		[404, 'upstream'],
		[302, 'upstream'],
		[424, 'upstream'],
		[429, 'rate-limited'],
		[500, 'upstream'],
		[503, 'unavailable'],
		[504, 'deadline-exceeded'],
	])('status %i', async (status, code) => {
		there.handle = (response) => response.writeHead(status, { 'content-type': 'application/json' }).end('{"message":"there it failed"}')
		await fails(code)
	})

	test('an HTML page, a body cut off, a socket that closes', async () => {
		there.handle = (response) => response.writeHead(200).end('<html>')
		await fails('upstream')
		there.handle = (response) => {
			response.writeHead(200, { 'content-length': 1000 }).write('{"y"')
			setTimeout(() => response.destroy(), 10)
		}
		await fails('network')
		there.handle = (response) => response.destroy()
		await fails('network')
	})
})

describe('mistakes', () => {
	test.each<[string, object, RegExp]>([
		['a word that stands for nothing', { body: { x: '$row' } }, /"\$row" stands for nothing/],
		['a pointer that is none', { outputs: 'predictions' }, /JSON Pointer/],
		['a path with other braces', { path: '/{name}' }, /\{model\} and \{version\} only/],
		['another setting', { pathh: '/' }, /did you mean "path"/],
	])('%s is found by check-config', (_, settings, words) => {
		const upstream = { name: 'there', kind: 'http', url: 'http://there', models: { m: {} }, ...settings }
		expect(checkConfig({ file: { models: { m: {} }, upstreams: [upstream] } }).errors.join('\n')).toMatch(words)
	})

	test.each<[string, object, Partial<UpstreamModel>, RegExp]>([
		['no version for the path', { path: '/{version}' }, { remote: { name: 'pair' } }, /models\.pair\.version/],
		['an input that is not there', { body: '$input.c' }, {}, /"c", which the model does not have/],
		['an output that stands nowhere', { outputs: { y: '/y' } }, {}, /where "n" stands/],
		['texts for a model without the task', { embed: {} }, { interface: { ...pair.interface, task: null } }, /does not embed/],
		['unknown tensors', {}, { interface: { ...pair.interface, inputs: null, outputs: null } }, /are not declared/],
	])('%s is found when the executor is made', (_, settings, model, words) => {
		expect(() => there.make({ kind: 'http', ...settings }, { model: { ...pair, ...model } })).toThrow(words)
	})
})
