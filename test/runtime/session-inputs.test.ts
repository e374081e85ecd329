// What a session is given is checked against its manifest.

import { afterEach, describe, expect, test } from 'vitest'
import type { Executor } from '../../runtime/core/executor.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { callOf } from './session-calls.ts'
import { pixelDescription, textTensors } from './tiny.ts'
import { context, tinySession } from './tiny-sessions.ts'

let session: Executor
afterEach(() => session?.dispose())

describe('inputs are checked strictly against the manifest', () => {
	const good = () =>
		textTensors([
			[2, 4, 3],
			[2, 3],
		]) as Record<string, Tensors[string]>
	const cases: [string, () => unknown, RegExp][] = [
		['no tensors', () => null, /give tensors by name: "ids" INT64 \[batch, tokens\]/],
		['an unknown name', () => ({ ...good(), token_type_ids: good().ids }), /no input "token_type_ids"; it takes "ids" INT64/],
		['a missing one', () => ({ ids: good().ids }), /input "mask" is missing/],
		['no tensor', () => ({ ...good(), mask: [1, 2] }), /input "mask": unknown datatype/],
		['another datatype', () => ({ ...good(), mask: tensor('INT32', [2, 3], new Int32Array(6)) }), /input "mask" must be INT64, is INT32/],
		[
			'data of another type than it says',
			() => ({ ...good(), mask: { ...good().mask, data: new Int32Array(6) } }),
			/must not be Int32Array/,
		],
		[
			'data of another size',
			() => ({ ...good(), mask: { ...good().mask, data: new BigInt64Array(5) } }),
			/asks for 6 elements, data has 5/,
		],
		[
			'another rank',
			() => ({ ...good(), mask: tensor('INT64', [6], new BigInt64Array(6)) }),
			/"mask" must have shape \[batch, tokens\], has \[6\]/,
		],
		[
			'an axis of two sizes',
			() => ({ ...good(), mask: tensor('INT64', [3, 2], new BigInt64Array(6)) }),
			/"mask" has 3 along axis "batch", but "ids" has 2/,
		],
		['an axis over its limit', () => textTensors([new Array(13).fill(1)]), /has 13 along axis "tokens", must have 1 to 12/],
		[
			'an empty axis',
			() => ({ ids: tensor('INT64', [0, 2], new BigInt64Array(0)), mask: tensor('INT64', [0, 2], new BigInt64Array(0)) }),
			/has 0 along axis "batch", must have at least 1/,
		],
		['a name from the prototype', () => ({ ...good(), constructor: good().ids }), /no input "constructor"/],
	]
	test.each(cases)('%s', async (_, make, message) => {
		session = await tinySession('cpu')
		const refused = session.infer(callOf(make() as Tensors), context())
		await expect(refused).rejects.toMatchObject({ code: 'invalid-input', message: expect.stringMatching(message) })
	})

	test('a fixed size', async () => {
		session = await tinySession('cpu', pixelDescription())
		const tensors = { pixels: tensor('FP32', [1, 3, 2], new Float32Array(6)) }
		await expect(session.infer({ kind: 'tensors', model: { name: 'tiny-pixels' }, tensors }, context())).rejects.toMatchObject({
			code: 'invalid-input',
			message: 'input "pixels" must have shape [1, 2, 3], has [1, 3, 2]',
		})
	})

	test('another model, version or space than this one', async () => {
		session = await tinySession('cpu')
		const tensors = textTensors([[2, 3]])
		await expect(session.infer(callOf(tensors, { name: 'other' }), context())).rejects.toMatchObject({ code: 'not-found' })
		await expect(session.infer(callOf(tensors, { version: '2.0.0' }), context())).rejects.toMatchObject({ code: 'not-found' })
		await expect(session.infer(callOf(tensors, { space: 'other@0/int8' }), context())).rejects.toMatchObject({ code: 'unsupported' })
	})
})
