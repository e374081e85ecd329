// Calls of the tiny text model, for the executor contract.

import type { Call, EmbedCall, ModelRef, Output } from '../../../runtime/core/call.ts'
import { expectedVector } from '../../runtime/tiny.ts'

export const embedCall = (model: Partial<ModelRef> = {}): Call => ({
	kind: 'task',
	model: { name: 'tiny-text', ...model },
	task: 'embed',
	input: ['hello world', ''],
})

/** Throws unless these are the vectors of {@link embedCall}. */
export function checkTexts(output: Output): void {
	if (output.kind !== 'embed') throw new Error('vectors were asked for')
	const expected = [expectedVector([2, 4, 5, 3]), expectedVector([2, 3])]
	if (output.vectors.length !== 2 || output.tokens !== 6) throw new Error(`${output.vectors.length} vectors of ${output.tokens} tokens`)
	for (const [row, vector] of output.vectors.entries())
		for (const [column, value] of (expected[row] ?? []).entries())
			if (Math.abs((vector[column] ?? Number.NaN) - value) > 1e-5) throw new Error(`vector ${row} is ${vector}, not ${expected[row]}`)
}

const wrong = (input: unknown): Call => ({ kind: 'task', model: { name: 'tiny-text' }, task: 'embed', input: input as EmbedCall['input'] })

export const wrongTexts = { 'no text': wrong([]), 'a number': wrong([1]), 'no list': wrong('hello') }
