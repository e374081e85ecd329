// What a page tells of each call and load: plain objects, made where they happen, without inputs, outputs or their lengths.

import type { Provenance, Task } from '../core/call.ts'
import type { ErrorCode } from '../core/error.ts'
import type { TraceParent } from '../core/trace.ts'
import type { ProgressMessage } from '../device/protocol.ts'
import type { Policy } from '../overflow/policy.ts'
import type { TracerSpan } from './options.ts'

/** A call that was answered (`ran`) or not (`error`). */
export interface CallObservation {
	readonly type: 'call'
	readonly operation: Task | 'infer'
	readonly model: string
	/** That the call was under; what is `device-only` is told to no one else. */
	readonly policy: Policy
	readonly trace: TraceParent
	/** `performance.now()` when it began. */
	readonly start: number
	readonly ran?: Provenance | undefined
	readonly error?: ErrorCode | undefined
	/** Begun by the application's own tracer, if it has one. */
	readonly span?: TracerSpan | undefined
}

/** A load that somebody wanted, at its end. */
export interface LoadObservation {
	readonly type: 'load'
	readonly model: string
	/** `performance.now()` when it began. */
	readonly start: number
	readonly error?: ErrorCode | undefined
}

/** What came up, when it came up. How far loads are is told as the engine tells it. */
export type Observation = CallObservation | LoadObservation | ProgressMessage

/** @param at `performance.now()` when it happened; it may be told later. */
export type Observe = (observation: Observation, at: number) => void
