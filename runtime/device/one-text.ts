// What a session worker does for a page's line: a text in, its vector out.

import type { EmbedTask } from '../../models/format/manifest.ts'
import type { Answer, Call, TensorsCall } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'
import { padded, vectorsOf } from '../tasks/tensors.ts'
import type { Tokenizer } from '../tasks/tokenizer.ts'

/**
 * Does for one text what `tokenized` does for any number of them.
 *
 * @param run runs the tensors of one text.
 */
export function oneText(task: EmbedTask, tokenizer: Tokenizer, run: (call: TensorsCall) => Promise<Answer>) {
	return async (call: Call): Promise<Answer> => {
		if (call.kind !== 'task' || call.task !== 'embed' || call.input.length !== 1)
			throw new SpillwayError('unsupported', 'only one text at a time comes by a line')
		const ids = tokenizer.encode(call.input[0] as string)
		const { output, ran } = await run({ kind: 'tensors', model: call.model, tensors: padded(task, [{ index: 0, ids }]) })
		return { output: { kind: 'embed', vectors: vectorsOf(task, output, 1), tokens: ids.length }, ran }
	}
}
