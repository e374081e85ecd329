// The model `tiny` as a subject of the executor contract, wherever an upstream has it.

import type { UpstreamModel } from '../../edge/upstreams/upstream.ts'
import type { Call, ModelRef, Output } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { packed } from '../runtime/tiny.ts'
import { expectedNumbers, suiteModels } from './suites/under-test.ts'
import { upstreamModel } from './upstream-model.ts'

/** The model as an upstream of the tests has it. */
export async function tinyModel(): Promise<UpstreamModel> {
	const source = suiteModels().find(({ description }) => description.model === 'tiny')
	if (!source) throw new Error('no model')
	return upstreamModel(await packed(source.description, source.files))
}

const x = () => tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
const wrong = (tensors: Record<string, unknown>): Call => ({ kind: 'tensors', model: { name: 'tiny' }, tensors: tensors as never })

/** What is asked of it, and what is right. */
export const tinySubject = {
	call: (model: Partial<ModelRef> = {}): Call => ({ kind: 'tensors', model: { name: 'tiny', ...model }, tensors: { x: x() } }),
	check(output: Output) {
		if (output.kind !== 'tensors' || String(output.tensors.y?.data) !== String(expectedNumbers)) throw new Error('a wrong answer')
	},
	wrong: {
		'no tensor': wrong({}),
		'another name': wrong({ z: x() }),
		'one too many': wrong({ x: x(), z: x() }),
		'another shape': wrong({ x: tensor('FP32', [4, 1], x().data) }),
		'another datatype': wrong({ x: tensor('FP64', [1, 4], new Float64Array(4)) }),
		'no tensor at all': wrong({ x: null }),
	},
	hops: 1,
}
