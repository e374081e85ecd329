// The executor `edge`: what speaks to the edge is a file of its own, so that a page without one does not load it.

import { bounded, startClock } from '../core/deadline.ts'
import { cannot, type Executor } from '../core/executor.ts'
import { firstGuess } from '../remote/pace.ts'
import type * as EdgeFile from '../remote/page.ts'
import { lazily } from './lazy.ts'

/**
 * Makes the executor; without its file it stands in for it, and loads it at the first call.
 *
 * @param file address of `edge.js`.
 * @param address of the edge.
 * @param now loads the file at once.
 * @param disposal aborted before `dispose`, with the error `disposed`.
 */
export function laterEdge(file: string, address: string, key: string | undefined, now: boolean, disposal: AbortSignal): Executor {
	const load = lazily<typeof EdgeFile>(file, disposal)
	let edge: Executor | undefined
	const made = async () => {
		const { edgeOfPage } = await load()
		disposal.throwIfAborted()
		edge ??= edgeOfPage(address, key)
		return edge
	}
	if (now) made().catch(() => {}) // The first call says so.
	return {
		name: 'edge',
		accepts: ['tensors', 'embed', 'generate'],
		estimate: (call) =>
			edge?.estimate(call) ??
			(disposal.aborted || globalThis.navigator?.onLine === false
				? cannot('unhealthy', disposal.reason?.message ?? 'offline')
				: { can: 'now', queue: 0, run: firstGuess }),
		async infer(call, context) {
			const clock = startClock(context.remaining)
			const ready = edge ?? (await bounded('loading edge.js', context, made))
			return ready.infer(call, { ...context, remaining: clock() })
		},
		dispose: async () => edge?.dispose(),
	}
}
