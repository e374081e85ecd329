// Reads a chat completions request as OpenAI does, and writes its stream.

import type { ChatRequest } from '../../../runtime/core/chat.ts'
import type { Writing } from '../generate.ts'
import { openaiErrorOf } from './error.ts'
import type { Refusal } from './request.ts'

export interface CompletionsRequest {
	readonly model: string
	readonly input: ChatRequest
	readonly stream: boolean
	/** Whether the stream ends with the tokens. */
	readonly usage: boolean
}

const mostChoices = 128

/** The request, or why it is refused. What only the model can know of it is for the model to refuse. */
export function readChat(body: unknown): CompletionsRequest | Refusal {
	if (!isObject(body)) return { message: 'The body of your request must be a JSON object.' }
	const { model, stream, stream_options: options, ...input } = body
	if (typeof model !== 'string' || model === '') return { message: 'you must provide a model parameter' }
	const { messages, n } = input
	if (messages === undefined || messages === null)
		return { message: "Missing required parameter: 'messages'.", param: 'messages', code: 'missing_required_parameter' }
	if (!Array.isArray(messages)) return wrongType('messages', 'an array of objects')
	if (messages.length === 0) {
		const message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
		return { message, param: 'messages', code: 'empty_array' }
	}
	for (const [at, message] of messages.entries()) {
		if (!isObject(message)) return wrongType(`messages[${at}]`, 'an object')
		if (typeof message.role !== 'string' || message.role === '') {
			const param = `messages[${at}].role`
			return { message: `Missing required parameter: '${param}'.`, param, code: 'missing_required_parameter' }
		}
	}
	if (n !== undefined && n !== null && !(Number.isInteger(n) && (n as number) >= 1 && (n as number) <= mostChoices))
		return { message: `Invalid 'n': expected an integer from 1 to ${mostChoices}.`, param: 'n', code: 'invalid_value' }
	if (stream !== undefined && stream !== null && typeof stream !== 'boolean') return wrongType('stream', 'a boolean')
	if (options !== undefined && options !== null) {
		if (!isObject(options)) return wrongType('stream_options', 'an object')
		if (!stream) return { message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param: 'stream_options' }
	}
	const usage = isObject(options) && options.include_usage === true
	return { model, input: input as unknown as ChatRequest, stream: stream === true, usage }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const wrongType = (param: string, expected: string): Refusal => ({
	message: `Invalid type for '${param}': expected ${expected}.`,
	param,
	code: 'invalid_type',
})

/** How a stream is written for the client: without the usage unless it asked for it. */
export const writingFor = ({ usage: wanted }: CompletionsRequest): Writing => ({
	chunk(chunk) {
		// With the usage asked for, OpenAI's other chunks say that it is to come.
		if (wanted) return JSON.stringify({ ...chunk, usage: chunk.usage ?? null })
		if (chunk.choices.length === 0 && chunk.usage) return null
		const { usage: _, ...rest } = chunk
		return JSON.stringify(rest)
	},
	error: ({ code, status, detail }) => JSON.stringify(openaiErrorOf(code, status, detail)),
})
