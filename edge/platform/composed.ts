// What stands around a session, the same on Node and on workerd: the rows of different requests in common runs, tasks turned into tensors.

import type { Manifest } from '../../models/format/manifest.ts'
import { batching } from '../../runtime/batch/batching.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { tokenized } from '../../runtime/tasks/tokenized.ts'
import type { Tokenizer } from '../../runtime/tasks/tokenizer.ts'
import type { ModelConfig } from '../config/schema.ts'

export interface ComposeOptions {
	manifest: Manifest
	/** For a model with a task. */
	tokenizer: Tokenizer | undefined
	/** Most tokens (rows times padded length) of a run. */
	tokensPerRun: number
	config: Pick<ModelConfig, 'rowsPerRun' | 'batchWait'>
	/** Calls back in a later turn of the event loop. Default: that of `batching`. */
	soon?(callback: () => void): void
}

/** @param session takes tensors of any size that the manifest allows. */
export function composed(session: Executor, { manifest, tokenizer, tokensPerRun, config, ...more }: ComposeOptions): Executor {
	const batched = batching({ manifest, maxWork: tokensPerRun, maxBatch: config.rowsPerRun, maxWait: config.batchWait, ...more })(session)
	return tokenizer ? tokenized(batched, { manifest, tokenizer }) : batched
}
