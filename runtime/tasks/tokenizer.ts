// Texts to token ids: @huggingface/tokenizers, with truncation (which it lacks) and work bounded by the limit, not by the text.

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { messageOf, SpillwayError } from '../core/error.ts'

export interface Tokenizer {
	/** Token ids of a text, special tokens included, at most `maxTokens`. Truncation and padding settings of the file are not used. */
	encode(text: string): number[]
}

/** What is used of @huggingface/tokenizers 0.2.0, whose own types do not resolve under TypeScript's `nodenext`. */
interface Encoder {
	encode(text: string, options?: { add_special_tokens: boolean }): { ids: number[] }
	normalizer: { normalize(text: string): string } | null
}

/** Characters tokenized at a time where a text can be cut between words. */
const segmentLength = 4096

/**
 * @param json bytes of a Hugging Face `tokenizer.json`.
 * @param maxTokens longer texts are cut to this many tokens; the special tokens around them stay.
 * @throws SpillwayError `malformed` when the file is no tokenizer, `invalid-input` when `maxTokens` leaves no room for a token.
 * @example createTokenizer(bytes, 256).encode('') // [101, 102]
 */
export function createTokenizer(json: Uint8Array, maxTokens: number): Tokenizer {
	const { tokenizer, wordwise } = load(json)
	const { before, after } = specialTokens(tokenizer)
	const room = maxTokens - before.length - after.length
	if (room < 1) throw new SpillwayError('invalid-input', `maxTokens ${maxTokens} leaves no room beside the special tokens`)
	return {
		encode(text) {
			const ids: number[] = []
			for (let start = 0; start < text.length && ids.length < room; ) {
				const end = wordwise ? wordEnd(text, start + segmentLength) : text.length
				for (const id of tokenizer.encode(text.slice(start, end), { add_special_tokens: false }).ids) ids.push(id)
				start = end
			}
			return [...before, ...ids.slice(0, room), ...after]
		},
	}
}

function load(json: Uint8Array): { tokenizer: Encoder; wordwise: boolean } {
	try {
		const file = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))
		const tokenizer: Encoder = new HuggingFaceTokenizer(file, {})
		const bert = file.normalizer?.type === 'BertNormalizer'
		if (bert) mend(tokenizer, file.normalizer)
		// BERT's rules look at one character at a time and treat each word by itself, so that a text may be cut at any space.
		return { tokenizer, wordwise: bert && file.pre_tokenizer?.type === 'BertPreTokenizer' }
	} catch (cause) {
		throw new SpillwayError('malformed', `the tokenizer's file cannot be used: ${messageOf(cause)}`, { cause })
	}
}

/** Where @huggingface/tokenizers 0.2.0 differs from the reference implementation, found by comparing the two over all of Unicode. */
function mend({ normalizer }: Encoder, settings: { handle_chinese_chars?: boolean; lowercase?: boolean }): void {
	if (!normalizer) return
	const normalize = normalizer.normalize.bind(normalizer)
	normalizer.normalize = (text) => {
		// It looks for Han characters by UTF-16 unit, and so misses those beyond U+FFFF.
		const separated = settings.handle_chinese_chars ? text.replace(hanBeyondBasicPlane, ' $& ') : text
		// JavaScript lower-cases a sigma at a word's end to its final form; the reference looks at one character at a time.
		return normalize(settings.lowercase ? separated.replaceAll('Σ', 'σ') : separated)
	}
}

const hanBeyondBasicPlane = /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu

/** Where BERT's words end whatever follows: white space, ASCII's punctuation, and Chinese characters, each a word of its own. */
const boundary = /[ \t\n\r\u00a0\u3000-\u3003\u3008-\u3011!-/:-@[-`{-~\u3400-\u4dbf\u4e00-\u9fff]/g

/** The first end of a word at or behind `from`, or the text's end. */
function wordEnd(text: string, from: number): number {
	boundary.lastIndex = from
	return boundary.exec(text)?.index ?? text.length
}

/** What the post-processor puts around a text, found by holding a text with it against one without. */
function specialTokens(tokenizer: Encoder): { before: number[]; after: number[] } {
	const bare = tokenizer.encode('a', { add_special_tokens: false }).ids
	const whole = tokenizer.encode('a').ids
	const start = whole.findIndex((_, offset) => bare.every((id, index) => whole[offset + index] === id))
	return { before: whole.slice(0, start), after: whole.slice(start + bare.length) }
}
