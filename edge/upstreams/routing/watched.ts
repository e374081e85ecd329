// An upstream's executor that says no while the upstream does not answer questions for its health either.

import { cannot, type Executor, type Wrap } from '../../../runtime/core/executor.ts'
import type { Health } from './health.ts'

/** Calls that come all the same are made: what is known may be out of date. */
export const watched =
	(health: Health): Wrap =>
	(inner: Executor): Executor => ({
		...inner,
		estimate: (call) => (health.down ? cannot('unhealthy', `${inner.name} does not answer its health check`) : inner.estimate(call)),
		async infer(call, context) {
			const answer = await inner.infer(call, context)
			health.answered()
			return answer
		},
	})
