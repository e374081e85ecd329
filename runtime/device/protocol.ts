// Messages between page, engine worker and session workers: plain data, buffers transferred.

import type { Answer, Call } from '../core/call.ts'
import type { WireError } from '../core/error.ts'
import type { Estimate, Priority } from '../core/executor.ts'
import type { Pace } from '../tasks/pace.ts'

/** The version and a digest of the sources, put in by the build. */
declare const __SPILLWAY_BUILD__: string

/** The build: a page never talks to a worker of another one unnoticed. */
export const protocolVersion = typeof __SPILLWAY_BUILD__ === 'string' ? __SPILLWAY_BUILD__ : 'source'

/** Asks for an answer. Exactly one `answer` or `error` with the same id comes back. */
export interface CallMessage {
	type: 'call'
	id: number
	call: Call
	/** Milliseconds left. */
	remaining: number
	hops: number
	retries: number
	trace: string
	priority: Priority | undefined
	/** A session worker has it already, and answers by a line. */
	begun: boolean | undefined
}

/** The caller wants no answer any more; the receiver answers with an `error` all the same. */
export interface CancelMessage {
	type: 'cancel'
	id: number
}

export interface AnswerMessage {
	type: 'answer'
	id: number
	answer: Answer
	retries: number
}

export interface ErrorMessage {
	type: 'error'
	id: number
	error: WireError
	retries: number
}

/** What the engine expects of a call to a model, told whenever it changes, so that the page can decide without asking. */
export interface StateMessage {
	type: 'state'
	model: string
	version: string | null
	space: string | null
	provider: string | null
	variant: string | null
	/** For a short call; `estimateFor` makes one for a call of another size. */
	estimate: Estimate
	/** `null` until texts were measured, and for a model that reads none. */
	pace: Pace | null
}

/** How far a load has come. Told on every port, at most some twenty times a second, and at each new phase. */
export interface ProgressMessage {
	type: 'progress'
	model: string
	/** `channel`: which version; `files`: bytes; `session`: ONNX Runtime and the golden check; then `ready`. */
	phase: 'channel' | 'files' | 'session' | 'ready'
	/** Bytes verified so far. */
	loaded: number
	/** Bytes needed, those of ONNX Runtime included; 0 until the manifest is known. */
	total: number
	/** Bytes of `loaded` that came from the browser's storage. */
	stored: number
	/** Milliseconds that the download will take from here; null while that cannot be known, and where nothing is downloaded. */
	left: number | null
}

export type Progress = Omit<ProgressMessage, 'type'>

/**
 * A line to a session worker, in place of the one before, for calls with one text: the worker begins them at once. It may lead nowhere by now:
 * whatever is begun there, the engine is asked, too.
 */
export interface LineMessage {
	type: 'line'
	model: string
	/** Of all that is answered on it. */
	space: string
	port: MessagePort
}

/** Calls answered by a line that the engine may not have answered, too, when another is begun there: it does its part a moment later. */
export const mostBehind = 3

export type Request = CallMessage | CancelMessage
export type Told = StateMessage | ProgressMessage
export type Reply = AnswerMessage | ErrorMessage | LineMessage | Told
