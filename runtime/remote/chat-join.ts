// Chunks of a chat completion to the whole, and the whole to chunks for who asked for a stream.

import type { ChatChoice, ChatChunk, ChatCompletion, ChatUsage } from '../core/chat.ts'

type Members = Record<string, unknown>

/** Said whole, and by some servers in every chunk; other texts come in pieces. */
const once = new Set(['role', 'id', 'type', 'name'])

export interface Joined {
	add(chunk: ChatChunk): void
	/** @param first the first chunk, for what is the same in all. */
	completion(first: ChatChunk): ChatCompletion
}

export function joinDeltas(): Joined {
	const choices = new Map<number, { message: Members; more: Members }>()
	let usage: ChatUsage | null | undefined
	return {
		add(chunk) {
			usage = chunk.usage ?? usage
			for (const { index, delta, ...more } of chunk.choices) {
				const choice = choices.get(index) ?? { message: {}, more: {} }
				choices.set(index, choice)
				join(choice.message, delta)
				// The reason is told once; what stands beside it (`logprobs`) comes in pieces.
				join(choice.more, more)
			}
		},
		completion({ choices: _, usage: __, ...first }) {
			const whole = [...choices].sort(([a], [b]) => a - b).map(([index, { message, more }]) => choiceOf(index, message, more))
			return { ...first, object: 'chat.completion', choices: whole, ...(usage && { usage }) }
		},
	}
}

function choiceOf(index: number, message: Members, more: Members): ChatChoice {
	const { tool_calls: calls } = message
	// Pieces are numbered, a list is not.
	const listed = Array.isArray(calls) && { tool_calls: calls.map(({ index: _, ...call }) => call) }
	return { finish_reason: null, ...more, index, message: { role: 'assistant', content: null, ...message, ...listed } }
}

/** Adds to `whole` what `piece` has. */
function join(whole: Members, piece: Members): void {
	for (const [name, value] of Object.entries(piece)) {
		// Own members only: what a server calls them must reach no prototype.
		if (name === '__proto__') continue
		whole[name] = joined(name, whole[name], value)
	}
}

function joined(name: string, before: unknown, value: unknown): unknown {
	if (value === null || value === undefined) return before ?? value
	if (Array.isArray(value)) {
		const list = Array.isArray(before) ? before : []
		for (const item of value) addTo(list, item)
		return list
	}
	if (typeof value === 'object') {
		const whole = isMembers(before) ? before : {}
		join(whole, value as Members)
		return whole
	}
	if (typeof value !== 'string' || typeof before !== 'string') return value
	return once.has(name) || name === 'finish_reason' ? value || before : before + value
}

/** A numbered piece belongs to the item of its number. */
function addTo(list: unknown[], item: unknown): void {
	const found = isMembers(item) && Number.isSafeInteger(item.index) && list.find((other) => isMembers(other) && other.index === item.index)
	if (isMembers(found) && isMembers(item)) join(found, item)
	else list.push(isMembers(item) ? joined('', undefined, item) : item)
}

const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A whole answer as the chunks of a stream: one for each choice, and one for the usage. */
export function chunksOf({ choices, usage, ...completion }: ChatCompletion): ChatChunk[] {
	const chunk = { ...completion, object: 'chat.completion.chunk' as const }
	const chunks: ChatChunk[] = choices.map(({ message, ...choice }) => ({ ...chunk, choices: [{ ...choice, delta: numbered(message) }] }))
	return usage ? [...chunks, { ...chunk, choices: [], usage }] : chunks
}

function numbered(message: ChatChoice['message']): ChatChoice['message'] {
	const { tool_calls: calls } = message
	return Array.isArray(calls) ? { ...message, tool_calls: calls.map((call, index) => ({ index, ...call })) } : message
}
