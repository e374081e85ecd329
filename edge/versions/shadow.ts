// Shadow traffic: a copy of calls goes to another version, behind the answer; the two answers are compared, and the second one is thrown away.

import type { Answer, Call } from '../../runtime/core/call.ts'
import { messageOf } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { traceParent } from '../../runtime/core/trace.ts'
import { type Bounds, compare } from './compare.ts'
import type { Comparison } from './comparisons.ts'

/** Calls of one model that are under way in a shadow at a time: more are left out, so that it is never behind. */
const mostAtOnce = 4

/** Milliseconds that a shadow has at most. */
const patience = 30_000

/** The other version. */
export interface Shadow {
	readonly version: string
	readonly executor: Executor
	readonly bounds: Bounds
}

export interface ShadowOptions {
	readonly model: string
	/** Whose answers are given. */
	readonly version: string
	/** Share of the calls that are copied. */
	readonly share: number
	/** The version as it is now; undefined when there is none, or the same. */
	other(): Promise<Shadow | undefined>
	/** Told of each copy. */
	told(comparison: Comparison): void | Promise<void>
}

/**
 * Copies calls for tensors and vectors to another version once they are answered. The caller notices nothing: neither waits for the copy nor
 * sees its error, and a caller that leaves does not end it (`Context.keep`).
 */
export function shadowed(inner: Executor, { model, version, share, other, told }: ShadowOptions): Executor {
	/** Until when each can be under way: on workerd one may be cut off without an end. */
	const underWay = new Set<{ readonly until: number }>()

	async function copy(call: Call, { hops, trace, remaining }: Context, given: Answer, took: number): Promise<void> {
		const shadow = await other()
		if (!shadow) return
		const common = { model, version, shadow: shadow.version }
		const nothing = { cosine: null, absolute: null, took: null, shadowTook: null }
		const began = performance.now()
		for (const one of underWay) if (one.until < began) underWay.delete(one)
		if (underWay.size >= mostAtOnce) return told({ ...common, ...nothing, outcome: 'skipped' })
		const mine = { until: began + 2 * patience }
		underWay.add(mine)
		try {
			const copied = { ...call, model: { name: model, version: shadow.version } }
			const made = await shadow.executor.infer(copied, {
				remaining: Math.min(remaining, patience),
				signal: new AbortController().signal,
				hops,
				retries: { left: 0 },
				trace: traceParent(trace),
				priority: 'low',
			})
			const shadowTook = performance.now() - began
			const { same, cosine, absolute, detail } = compare(given.output, made.output, shadow.bounds)
			await told({ ...common, outcome: same ? 'same' : 'different', cosine, absolute, took, shadowTook, ...(detail && { detail }) })
		} catch (error) {
			await told({ ...common, ...nothing, outcome: 'failed', detail: messageOf(error) })
		} finally {
			underWay.delete(mine)
		}
	}

	return {
		...inner,
		async infer(call, context) {
			const began = performance.now()
			const answer = await inner.infer(call, context)
			if (answer.output.kind !== 'generate' && Math.random() < share) {
				const work = copy(call, context, answer, performance.now() - began).catch((error) =>
					console.error(`the shadow of ${model}:`, error),
				)
				context.keep?.(work)
			}
			return answer
		},
	}
}
