// A conversation with a model, in the words of OpenAI's chat completions: what `generate` takes and gives.
// https://platform.openai.com/docs/api-reference/chat

/** One turn of a conversation. What a model does not know of it, it refuses itself. */
export interface ChatMessage {
	readonly role: string
	readonly [member: string]: unknown
}

/** A request without `model`, `stream` and `stream_options`, for the call says these; `temperature`, `tools` and the like as OpenAI names them. */
export interface ChatRequest {
	readonly messages: readonly ChatMessage[]
	readonly [option: string]: unknown
}

/** Tokens read and written. */
export interface ChatUsage {
	readonly prompt_tokens: number
	readonly completion_tokens: number
	readonly total_tokens: number
	readonly [member: string]: unknown
}

/** One of the answers that were asked for by `n`. */
export interface ChatChoice {
	readonly index: number
	/** `role`, `content`, `tool_calls`, … */
	readonly message: Readonly<Record<string, unknown>>
	readonly finish_reason: string | null
	readonly [member: string]: unknown
}

/** A whole answer. */
export interface ChatCompletion {
	readonly id: string
	readonly object: 'chat.completion'
	/** Seconds since 1970. */
	readonly created: number
	readonly model: string
	readonly choices: readonly ChatChoice[]
	readonly usage?: ChatUsage | null | undefined
	readonly [member: string]: unknown
}

/** What a choice gains by a part. */
export interface ChatDelta {
	readonly index: number
	readonly delta: Readonly<Record<string, unknown>>
	readonly finish_reason?: string | null | undefined
	readonly [member: string]: unknown
}

/** A part of an answer; the last one may tell the usage, and has no choices then. */
export interface ChatChunk {
	readonly id: string
	readonly object: 'chat.completion.chunk'
	/** Seconds since 1970. */
	readonly created: number
	readonly model: string
	readonly choices: readonly ChatDelta[]
	readonly usage?: ChatUsage | null | undefined
	readonly [member: string]: unknown
}
