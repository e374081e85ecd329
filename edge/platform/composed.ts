// What stands around a session, the same on Node and on workerd: runs bounded in size, tasks turned into tensors.

import type { Manifest } from '../../models/format/manifest.ts'
import { split } from '../../runtime/batch/split.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { tokenized } from '../../runtime/tasks/tokenized.ts'
import type { Tokenizer } from '../../runtime/tasks/tokenizer.ts'

export interface ComposeOptions {
	manifest: Manifest
	/** For a model with a task. */
	tokenizer: Tokenizer | undefined
	/** Most tokens (rows times padded length) of a run. */
	tokensPerRun: number
	/** Most texts, and most tokens, of a run that is made from texts: kept smaller than what fits, so that calls take turns. */
	texts: { rows: number; tokens: number }
}

/** @param session takes tensors of any size that the manifest allows. */
export function composed(session: Executor, { manifest, tokenizer, tokensPerRun, texts }: ComposeOptions): Executor {
	const bounded = split({ manifest, work: tokensPerRun })(session)
	if (!tokenizer) return bounded
	return tokenized(bounded, { manifest, tokenizer, rows: texts.rows, tokens: Math.min(texts.tokens, tokensPerRun) })
}
