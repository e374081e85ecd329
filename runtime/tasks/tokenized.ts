// Text tasks as tensor calls: sorts texts by length, groups like with like, pads, and puts the results back in order.

import type { EmbedTask, Manifest } from '../../models/format/manifest.ts'
import { inTurn } from '../batch/in-turn.ts'
import { mergeRan } from '../batch/merge.ts'
import type { EmbedCall, Provenance, TensorsCall } from '../core/call.ts'
import { startClock } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import type { Executor } from '../core/executor.ts'
import { PaceMeter } from '../session/pace.ts'
import { type Encoded, groups } from './groups.ts'
import { likelyTime, type Pace } from './pace.ts'
import { padded, vectorsOf } from './tensors.ts'
import type { Tokenizer } from './tokenizer.ts'

export interface TokenizedOptions {
	manifest: Manifest
	/** `createTokenizer(file, manifest.task.maxTokens)`. */
	tokenizer: Tokenizer
	/** Most texts of a run. Default: 8; in WebAssembly a larger batch gains nothing. */
	rows?: number
	/** Most tokens of a run, padding included; a longer text runs alone. Bounds how long other calls wait for their turn. Default: 256. */
	tokens?: number
	/** Runs of one call that are under way at a time. Default: 2, so that the next one waits ready. */
	width?: number
}

/** Answers the manifest's task besides tensor calls. */
export interface Tokenized extends Executor {
	/** What was measured; `null` before the first answer. */
	readonly pace: Pace | null
}

/** Texts are tokenized so many at a time, between runs: a call of thousands neither blocks the thread nor outlives its abort. */
const portion = 32

/** The same for long ones: characters, which may all be read where there are no words to cut at. */
const portionLength = 20_000

/**
 * @param inner takes tensor calls; a pool or a session.
 * @returns an executor that also takes `embed`. Adds to the errors of `inner`: `invalid-input` for anything but a list of strings,
 * `unavailable` when parts of the call were answered in different spaces.
 * @example tokenized(session, { manifest, tokenizer: createTokenizer(file, 256) })
 */
export function tokenized(inner: Executor, options: TokenizedOptions): Tokenized {
	const { manifest, tokenizer, rows = 8, tokens: mostTokens = 256, width = 2 } = options
	const { task } = manifest
	if (task === null) throw new SpillwayError('unsupported', `${manifest.model} has no task, it takes only tensors`)
	const meter = new PaceMeter()
	const characters = { read: 0, tokens: 0 }

	/** Groups of the call's texts, shortest first; each portion is tokenized when its turn comes. */
	function* grouped(texts: readonly string[]): Generator<Encoded[]> {
		const order = texts.map((text, index) => ({ text, index })).sort((a, b) => a.text.length - b.text.length)
		let taken: Encoded[] = []
		let length = 0
		for (const { text, index } of order) {
			taken.push({ index, ids: encode(text) })
			length += text.length
			if (taken.length < portion && length < portionLength) continue
			yield* groups(taken, { rows, tokens: mostTokens })
			taken = []
			length = 0
		}
		if (taken.length > 0) yield* groups(taken, { rows, tokens: mostTokens })
	}

	function encode(text: string): number[] {
		const ids = tokenizer.encode(text)
		if (ids.length < (task as EmbedTask).maxTokens) {
			characters.read += text.length
			characters.tokens += ids.length
		}
		return ids
	}

	const measured = (): Pace | null =>
		meter.pace && {
			fixed: meter.pace.fixed,
			perToken: meter.pace.perUnit,
			charactersPerToken: characters.read > 0 ? characters.read / characters.tokens : 4,
			maxTokens: task.maxTokens,
		}

	return {
		name: inner.name,
		accepts: [...inner.accepts, task.kind],
		get pace() {
			return measured()
		},
		estimate(call) {
			if (call.kind === 'tensors') return inner.estimate(call)
			if (call.task !== task.kind) return { can: 'no', reason: 'unsupported', detail: noSuchTask(manifest, call.task), queue: 0, run: 0 }
			const estimate = inner.estimate({ kind: 'tensors', model: call.model, tensors: {} })
			const pace = measured()
			// What is no list of texts is for the call to refuse.
			const texts = Array.isArray(call.input) ? call.input.filter((text) => typeof text === 'string') : []
			return pace ? { ...estimate, run: likelyTime(texts, pace) } : estimate
		},
		async infer(call, context) {
			if (call.kind === 'tensors') return inner.infer(call, context)
			if (call.task !== task.kind) throw new SpillwayError('unsupported', noSuchTask(manifest, call.task))
			checkTexts(call)
			const clock = startClock(context.remaining)
			const vectors: Float32Array[] = new Array(call.input.length)
			let tokens = 0
			const rans = await inTurn(grouped(call.input), width, context.signal, async (group, signal): Promise<Provenance> => {
				const run: TensorsCall = { kind: 'tensors', model: call.model, tensors: padded(task, group) }
				const { output, ran } = await inner.infer(run, { ...context, remaining: clock(), signal })
				const found = vectorsOf(task, output, group.length)
				for (const [position, { index, ids }] of group.entries()) {
					vectors[index] = found[position] as Float32Array
					tokens += ids.length
				}
				if (ran.run !== null) meter.add(group.length * longest(group), ran.run)
				return ran
			})
			return { output: { kind: 'embed', vectors, tokens }, ran: mergeRan(rans) }
		},
		dispose: () => inner.dispose(),
	}
}

const longest = (group: readonly Encoded[]): number => Math.max(...group.map(({ ids }) => ids.length))

const noSuchTask = ({ model, task }: Manifest, asked: string): string => `${model} does not ${asked}${task ? `, it can ${task.kind}` : ''}`

/** Calls come from other threads and from the network, and from JavaScript. */
function checkTexts({ input }: EmbedCall): void {
	if (!Array.isArray(input)) throw new SpillwayError('invalid-input', 'give the texts as a list of strings')
	if (input.length === 0) throw new SpillwayError('invalid-input', 'give at least one text')
	const wrong = input.findIndex((text) => typeof text !== 'string')
	if (wrong >= 0)
		throw new SpillwayError('invalid-input', `text ${wrong} must be a string, is ${input[wrong] === null ? 'null' : typeof input[wrong]}`)
}
