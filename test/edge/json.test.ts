// Tensors as JSON in rows and columns: nothing is lost, and nothing is guessed.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readForm } from '../../edge/json/forms.ts'
import { readColumns, readRows, readTensors, writeColumns, writeRows } from '../../edge/json/tensors.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'

const a = tensor('INT64', [2, 3], BigInt64Array.of(1n, -2n, 3n, 4n, 5n, 2n ** 62n))
const b = tensor('FP32', [2], Float32Array.of(-0, 0.1))
const specs = [
	{ name: 'a', datatype: 'INT64' },
	{ name: 'b', datatype: 'FP32' },
] as const
const floats = [{ name: 'x', datatype: 'FP32' }] as const

describe('writing', () => {
	test('rows of one tensor are bare, of several they are objects; all digits and the sign of zero stay', () => {
		expect(writeRows({ a })).toBe('[[1,-2,3],[4,5,4611686018427387904]]')
		expect(writeRows({ a, b })).toBe('[{"a":[1,-2,3],"b":-0},{"a":[4,5,4611686018427387904],"b":0.10000000149011612}]')
		expect(writeColumns({ b, a })).toBe('{"b":[-0,0.10000000149011612],"a":[[1,-2,3],[4,5,4611686018427387904]]}')
	})

	test('scalars and tensors without elements', () => {
		const scalar = tensor('BOOL', [], Uint8Array.of(1))
		const empty = tensor('FP32', [2, 0], new Float32Array())
		expect(writeColumns({ scalar, empty, none: tensor('FP32', [0, 3], new Float32Array()) })).toBe(
			'{"scalar":true,"empty":[[],[]],"none":[]}',
		)
	})

	test('what JSON cannot carry is refused, not changed', () => {
		const refused = (tensors: Tensors) => expect(() => writeRows(tensors)).toThrow(expect.objectContaining({ code: 'unsupported' }))
		refused({ x: tensor('FP32', [1], Float32Array.of(Number.NaN)) })
		refused({ x: tensor('FP16', [1], Uint16Array.of(1)) })
		refused({ x: tensor('FP32', [], Float32Array.of(1)) })
		refused({ a, x: tensor('FP32', [1], Float32Array.of(1)) })
	})
})

test('floats come back bit by bit, in rows and in columns', () => {
	fc.assert(
		fc.property(
			fc.integer({ min: 1, max: 4 }),
			fc.integer({ min: 1, max: 4 }),
			fc.infiniteStream(fc.float({ noNaN: true, noDefaultInfinity: true })),
			(rows, size, values) => {
				const data = Float32Array.from({ length: rows * size }, () => values.next().value)
				const x = tensor('FP32', [rows, size], data)
				for (const [text, read] of [
					[writeRows({ x }), readRows],
					[writeColumns({ x }), readColumns],
				] as const) {
					const back = read(floats, JSON.parse(text), 'invalid-input').x
					expect(back?.shape).toEqual([rows, size])
					expect(new Uint8Array(back?.data.buffer as ArrayBuffer)).toEqual(new Uint8Array(data.buffer))
				}
			},
		),
	)
})

describe('reading', () => {
	test.each<[string, unknown]>([
		['a row without a name', [{ a: [1] }]],
		['a row that is no object', [[1, 2]]],
		['a name too many', [{ a: [1], b: 1, c: 1 }]],
		[
			'ragged rows',
			[
				{ a: [1], b: 1 },
				{ a: [1, 2], b: 1 },
			],
		],
		['a text', [{ a: ['1'], b: 1 }]],
		['half a number', [{ a: [1.5], b: 1 }]],
		['beyond 2^53', [{ a: [2 ** 60], b: 1 }]],
		['a float beyond FP32', [{ a: [1], b: 1e300 }]],
		['null', [{ a: null, b: null }]],
		['columns without a name', { a: [[1]] }],
		['no object', 7],
	])('%s is refused', (_, value) => {
		expect(() => readTensors(specs, value, 'invalid-input')).toThrow(expect.objectContaining({ code: 'invalid-input' }))
	})

	test('a tensor called __proto__ is a tensor', () => {
		const { x, ...proto } = readTensors([{ name: '__proto__', datatype: 'FP32' }], JSON.parse('{"__proto__":[1]}'), 'invalid-input')
		expect(x).toBeUndefined()
		expect(Object.keys(proto)).toEqual(['__proto__'])
	})
})

describe('forms', () => {
	const form = (body: unknown, embeds = false) => readForm(body, { inputs: floats, embeds })
	const y = tensor('FP32', [1, 2], Float32Array.of(5, 6))
	const answered = (body: unknown) => {
		const asked = form(body)
		return asked.kind === 'tensors' ? asked.write({ y }) : asked.kind
	}

	test('are answered in kind', () => {
		expect(answered({ instances: [[1]] })).toBe('{"predictions":[[5,6]]}')
		expect(answered({ inputs: { x: [[1]] } })).toBe('{"outputs":[[5,6]]}')
		expect(answered({ inputs: [[1]] })).toBe('{"outputs":[[5,6]]}')
		expect(answered({ input_data: [[1]] })).toBe('[[5,6]]')
		expect(answered({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }] })).toBe('oip')
	})

	test('texts are texts only to a model that takes them', () => {
		const asked = form({ inputs: ['a', 'b'] }, true)
		expect(asked.kind === 'texts' && [asked.texts, asked.write(y)]).toEqual([['a', 'b'], '[[5,6]]'])
		expect(() => form({ inputs: ['a'] })).toThrow(/no FP32/)
	})

	test.each([[null], [[]], ['x'], [{}], [{ instances: {} }], [{ instances: [], inputs: [] }], [{ data: [1] }]])('%j is none', (body) => {
		expect(() => form(body)).toThrow(expect.objectContaining({ code: 'invalid-input' }))
	})
})
