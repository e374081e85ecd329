// The idea that holds Spillway together: everything that can answer is an Executor.

import type { Answer, Call, OverflowReason, Part, Task } from './call.ts'
import type { TraceParent } from './trace.ts'

/** What an executor expects of a call: at once, from what it knows, without I/O. */
export interface Estimate {
	readonly can: 'now' | 'loading' | 'no'
	/** Why not now; present unless `can` is `now`. */
	readonly reason?: OverflowReason
	/** The same for people. */
	readonly detail?: string
	/** Milliseconds until the call would start. */
	readonly queue: number
	/** Milliseconds that it would then take, the way there and back included. */
	readonly run: number
}

/** The estimate of an executor that cannot answer. */
export const cannot = (reason: OverflowReason, detail: string): Estimate => ({ can: 'no', reason, detail, queue: 0, run: 0 })

/** Retries left to a call over all its hops, so that retries of page, edge and upstream never multiply. */
export interface RetryBudget {
	left: number
}

/** Who goes first where calls wait. */
export type Priority = 'high' | 'normal' | 'low'

export interface Context {
	/** Milliseconds left when the executor is entered. Handed on as a duration at each hop: clocks differ. */
	readonly remaining: number
	readonly signal: AbortSignal
	/** Network hops so far. */
	readonly hops: number
	readonly retries: RetryBudget
	readonly trace: TraceParent
	/**
	 * Takes the parts of the answer as they come, where the caller wants them; the answer holds all of them once more. Resolves when the next
	 * part may come: whoever emits waits for it. After the first part neither retry nor overflow. An executor that has no parts to give calls it never.
	 */
	readonly emit?: ((part: Part) => Promise<void>) | undefined
	/** Default: `normal`. */
	readonly priority?: Priority | undefined
	/** Keeps the platform alive until `work` has settled, where that ends with the caller (workerd). Stays in this thread. Default: it stays alive. */
	readonly keep?: ((work: Promise<unknown>) => void) | undefined
	/** A session worker has begun it by itself, and answers without being asked: who asks it gets the same. Default: false. */
	readonly begun?: boolean | undefined
	/** The life of that session worker: aborts when it is gone. Stays in this thread. */
	readonly begunBy?: AbortSignal | undefined
	/** It is one of several that a call was cut into: others come in the same moment. Stays in this thread. Default: false. */
	readonly part?: boolean | undefined
}

/**
 * Answers calls. `infer` settles by the time left in its context, with an answer or one `SpillwayError`;
 * after `dispose` it rejects with `disposed`.
 */
export interface Executor {
	readonly name: string
	/** Kinds of calls that it takes: raw tensors, or tasks by name. */
	readonly accepts: readonly ('tensors' | Task)[]
	estimate(call: Call): Estimate
	infer(call: Call, context: Context): Promise<Answer>
	/** Refuses new calls, settles those under way, gives memory and connections back. Idempotent. */
	dispose(): Promise<void>
}

/** A step on the way (tokenizing, batching, checking, tracing): composed as Hono composes middleware. */
export type Wrap = (inner: Executor) => Executor

/** Whether the executor takes this kind of call. */
export const accepts = (executor: Pick<Executor, 'accepts'>, call: Call): boolean =>
	executor.accepts.includes(call.kind === 'tensors' ? 'tensors' : call.task)
