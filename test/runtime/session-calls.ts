// Calls of a session, and what it answers.

import type { TensorsCall } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import type { Tensors } from '../../runtime/core/tensor.ts'
import { context } from './tiny-sessions.ts'

export const callOf = (tensors: Tensors, model = {}): TensorsCall => ({ kind: 'tensors', model: { name: 'tiny-text', ...model }, tensors })

export async function outputs(executor: Executor, call: TensorsCall): Promise<Tensors> {
	const { output } = await executor.infer(call, context())
	if (output.kind !== 'tensors') throw new Error('no tensors')
	return output.tensors
}
