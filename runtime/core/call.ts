// What is asked of an executor, and what it answers.

import type { ChatChunk, ChatCompletion, ChatRequest } from './chat.ts'
import type { Tensors } from './tensor.ts'

/** Which model is meant; without `version`, the one that the channel names. */
export interface ModelRef {
	readonly name: string
	readonly version?: string
	/** Identity of the embedding space that the answer must be in; an executor of another space refuses. */
	readonly space?: string
}

/** What a model does with data other than tensors. */
export type Task = 'embed' | 'generate'

export interface TensorsCall {
	readonly kind: 'tensors'
	readonly model: ModelRef
	readonly tensors: Tensors
}

export interface EmbedCall {
	readonly kind: 'task'
	readonly model: ModelRef
	readonly task: 'embed'
	readonly input: readonly string[]
}

/** What a model writes next in a conversation. */
export interface GenerateCall {
	readonly kind: 'task'
	readonly model: ModelRef
	readonly task: 'generate'
	readonly input: ChatRequest
}

export type Call = TensorsCall | EmbedCall | GenerateCall

export interface TensorsOutput {
	readonly kind: 'tensors'
	readonly tensors: Tensors
}

export interface EmbedOutput {
	readonly kind: 'embed'
	/** One vector for each text, in order. */
	readonly vectors: readonly Float32Array[]
	/** Tokens that the model read, over all texts, after truncation. */
	readonly tokens: number
}

export interface GenerateOutput {
	readonly kind: 'generate'
	/** The whole answer, also where it went out in parts before. */
	readonly completion: ChatCompletion
}

export type Output = TensorsOutput | EmbedOutput | GenerateOutput

/** A piece of an answer that is still being made, for `Context.emit`. */
export interface Part {
	readonly kind: 'generate'
	readonly chunk: ChatChunk
	/** With the first part: where the answer is being made, as far as that is known then. */
	readonly ran?: Provenance | undefined
}

/** Why a call went on to the next executor. */
export type OverflowReason = 'queue' | 'deadline' | 'memory' | 'loading' | 'unsupported' | 'unhealthy' | 'policy'

export interface Overflow {
	/** The executor that was passed by. */
	readonly executor: string
	readonly reason: OverflowReason
	/** The error's or the estimate's words, where there are any. */
	readonly detail?: string
}

/** Where an answer was made, and why there. `null` stands for what the executor does not tell. */
export interface Provenance {
	/** `device`, `edge`, or the name of an upstream. */
	readonly executor: string
	/** ONNX Runtime's execution provider. */
	readonly provider: string | null
	/** What an upstream computes on, as its edge's configuration says: `gpu`, … Absent where that does not. */
	readonly accelerator?: string | undefined
	readonly model: string
	readonly version: string | null
	/** Why it was this version, in an edge's words; absent where the model has no routes. */
	readonly route?: string
	readonly variant: string | null
	/** Identity of the vector space: `model@manifest-digest/variant`. Vectors of two spaces are never mixed. */
	readonly space: string | null
	/** Milliseconds waited before the run. */
	readonly queue: number | null
	/** Milliseconds inside the execution provider, over all runs of the call. */
	readonly run: number | null
	/** Rows of the largest batch that the call was part of. */
	readonly batch: number | null
	/** Network hops between caller and executor: 0 on the device. */
	readonly hops: number
	/** The executors passed by, nearest to the user first; empty when the first choice answered. */
	readonly overflow: readonly Overflow[]
	/** Who answered which rows, in order, where the call was divided among upstreams; `executor` names all of them then, joined by `+`. */
	readonly parts?: readonly { readonly executor: string; readonly rows: number }[]
}

export interface Answer {
	readonly output: Output
	readonly ran: Provenance
}

/** Provenance of which nothing more is known than who answered, and for which model. */
export const provenance = (executor: string, { name, version = null }: { name: string; version?: string | null }): Provenance => ({
	executor,
	provider: null,
	model: name,
	version,
	variant: null,
	space: null,
	queue: null,
	run: null,
	batch: null,
	hops: 0,
	overflow: [],
})

/** Identity of an embedding space. */
export const spaceOf = (model: string, manifestDigest: string, variant: string): string => `${model}@${manifestDigest}/${variant}`
