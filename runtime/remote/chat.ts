// Chat completions as they come over the network: whole, or as chunks that are put together. Neither is taken for more than it is.

import type { Call } from '../core/call.ts'
import type { ChatChunk, ChatCompletion, ChatDelta, ChatUsage } from '../core/chat.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { fromUtf8 } from '../core/utf8.ts'
import { joinDeltas } from './chat-join.ts'
import { codeTold } from './exchange.ts'

const wrong = (name: string, why: string): SpillwayError => new SpillwayError('upstream', `${name} answered wrongly: ${why}`)

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const isChoice = (value: unknown, member: 'message' | 'delta'): boolean =>
	isObject(value) && Number.isSafeInteger(value.index) && (value.index as number) >= 0 && isObject(value[member])

/** How many choices a call asks for. */
export const choicesAsked = (call: Call): number => (call.kind === 'task' && call.task === 'generate' && Number(call.input.n)) || 1

/**
 * Checks what every model's request has; what only the model can know is for the model to refuse.
 * @throws SpillwayError `invalid-input`.
 */
export function checkChat(input: unknown): void {
	const refused = (why: string) => new SpillwayError('invalid-input', why)
	if (!isObject(input)) throw refused('give a request with messages')
	const { messages, n } = input
	if (!Array.isArray(messages) || messages.length === 0) throw refused('messages must be a list with at least one message')
	const other = messages.findIndex((message) => !isObject(message) || typeof message.role !== 'string')
	if (other >= 0) throw refused(`messages[${other}] must be an object with a role`)
	if (n !== undefined && n !== null && !(Number.isSafeInteger(n) && (n as number) > 0)) throw refused('n must be a whole number above 0')
}

/** What is told of tokens, if it is told. */
const isUsage = (value: unknown): value is ChatUsage | null | undefined =>
	value === null || value === undefined || (isObject(value) && Number.isSafeInteger(value.prompt_tokens))

function parse(name: string, text: string): Record<string, unknown> {
	try {
		const value = JSON.parse(text)
		if (isObject(value)) return value
	} catch (error) {
		throw wrong(name, `what it says is no JSON: ${messageOf(error)}`)
	}
	throw wrong(name, 'what it says is no object')
}

/**
 * Reads a whole answer.
 *
 * @param name of the server, for errors.
 * @param asked how many choices were asked for (`n`).
 * @throws SpillwayError `upstream` when it is none, or holds another number of choices.
 */
export function readCompletion(name: string, body: Uint8Array, asked: number): ChatCompletion {
	const value = parse(name, fromUtf8(body))
	const { choices, usage, id } = value
	if (!Array.isArray(choices) || !choices.every((choice) => isChoice(choice, 'message'))) throw wrong(name, 'no choices with messages')
	if (new Set(choices.map(({ index }) => index)).size !== asked || choices.length !== asked)
		throw wrong(name, `${choices.length} choices, asked for were ${asked}`)
	if (!isUsage(usage)) throw wrong(name, 'a usage that is none')
	const created = Number.isSafeInteger(value.created) ? value.created : 0
	return { ...value, id: typeof id === 'string' ? id : '', object: 'chat.completion', created } as ChatCompletion
}

/** The error that a server sends in the middle of its answer. */
function errorIn(name: string, { error }: Record<string, unknown>): SpillwayError | undefined {
	if (error === undefined || error === null) return undefined
	const problem = isObject(error) ? error : { message: error }
	const why = [problem.detail, problem.message].find((one) => typeof one === 'string') ?? 'it does not say why'
	return new SpillwayError(codeTold(problem) ?? 'upstream', `${name} failed in the middle of its answer: ${why}`)
}

/**
 * Reads an answer that comes in chunks, emits each, and puts the whole together.
 *
 * @param name of the server, for errors.
 * @param events the data of server-sent events.
 * @param asked how many choices were asked for.
 * @param emit gets each chunk, and whether it is the first; the next one is read when it has settled.
 * @throws SpillwayError `upstream` when a chunk is none or of another answer, when the server says that it failed, or when it ends without
 *   having said that it is done: what came is not all.
 */
export async function readChunks(
	name: string,
	events: AsyncIterable<string>,
	asked: number,
	emit: (chunk: ChatChunk, isFirst: boolean) => Promise<void>,
): Promise<ChatCompletion> {
	const joined = joinDeltas()
	let first: ChatChunk | undefined
	for await (const data of events) {
		if (data === '[DONE]') {
			const completion = first && joined.completion(first)
			if (completion?.choices.length !== asked) throw wrong(name, `done after ${completion?.choices.length ?? 0} choices of ${asked}`)
			return completion
		}
		const value = parse(name, data)
		const failed = errorIn(name, value)
		if (failed) throw failed
		const chunk = chunkOf(name, value, first, asked)
		joined.add(chunk)
		const isFirst = !first
		first ??= chunk
		await emit(chunk, isFirst)
	}
	throw new SpillwayError('upstream', `${name} broke off in the middle of its answer`)
}

function chunkOf(name: string, value: Record<string, unknown>, first: ChatChunk | undefined, asked: number): ChatChunk {
	const { id = '', choices, usage } = value
	if (!Array.isArray(choices) || !choices.every((choice) => isChoice(choice, 'delta'))) throw wrong(name, 'a chunk without choices')
	if (choices.some(({ index }: ChatDelta) => index >= asked)) throw wrong(name, `more choices than the ${asked} asked for`)
	if (!isUsage(usage)) throw wrong(name, 'a usage that is none')
	// Some begin with a chunk of no name.
	if (typeof id !== 'string' || (first?.id && id && id !== first.id)) throw wrong(name, 'a chunk of another answer')
	const created = Number.isSafeInteger(value.created) ? value.created : (first?.created ?? 0)
	return { ...value, id: id || (first?.id ?? ''), object: 'chat.completion.chunk', created } as ChatChunk
}
