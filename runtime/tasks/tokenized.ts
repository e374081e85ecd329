// Text tasks as tensor calls: sorts texts by length, hands them on one by one to an executor that batches, to others in groups of like length,
// and puts the results back in order.

import type { EmbedTask, Manifest } from '../../models/format/manifest.ts'
import type { Batching } from '../batch/batching.ts'
import { inTurn } from '../batch/in-turn.ts'
import { mergeRan } from '../batch/merge.ts'
import type { EmbedCall, Provenance, TensorsCall } from '../core/call.ts'
import { startClock } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { cannot, type Executor } from '../core/executor.ts'
import { PaceMeter } from '../session/pace.ts'
import { type Encoded, groups } from './groups.ts'
import { likelyTime, type Pace } from './pace.ts'
import { padded, vectorsOf } from './tensors.ts'
import type { Tokenizer } from './tokenizer.ts'

export interface TokenizedOptions {
	manifest: Manifest
	/** `createTokenizer(file, manifest.task.maxTokens)`. */
	tokenizer: Tokenizer
	/** Most texts of a group. Default: 8. Where `inner` batches, a group is one text. */
	rows?: number
	/** Most tokens of a group, padding included; a longer text is alone. Bounds how long other calls wait for their turn. Default: 256. */
	tokens?: number
	/** Groups of one call that are under way at a time. Default: 2, so that the next one waits ready; 256 where `inner` batches. */
	width?: number
}

/** Answers the manifest's task besides tensor calls. */
export interface Tokenized extends Executor {
	/** What was measured; `null` before the first answer. */
	readonly pace: Pace | null
}

/** Texts are sorted into groups so many at a time. */
const portion = 32

/** Characters that are tokenized before others get their turn: some milliseconds' worth. */
const breathLength = 10_000

/** Texts of a call that wait in a batching executor at a time: what it needs to join like with like, and no more, for the call may be aborted. */
const lookAhead = 256

/**
 * @param inner takes tensor calls: `batching(…)`, which also joins the texts of different calls, or a server elsewhere.
 * @returns an executor that also takes `embed`. Adds to the errors of `inner`: `invalid-input` for anything but a list of strings,
 * `unavailable` when parts of the call were answered in different spaces.
 * @example tokenized(batching({ manifest })(session), { manifest, tokenizer: createTokenizer(file, 256) })
 */
export function tokenized(inner: Executor | Batching, options: TokenizedOptions): Tokenized {
	const batching = 'batchPace' in inner ? inner : undefined
	const { manifest, tokenizer, rows = 8, tokens: mostTokens = 256, width = batching ? lookAhead : 2 } = options
	const { task } = manifest
	if (task === null) throw new SpillwayError('unsupported', `${manifest.model} has no task, it takes only tensors`)
	const meter = new PaceMeter()
	const characters = { read: 0, tokens: 0 }

	/** The call's texts, shortest first, each tokenized when its turn comes: a call of thousands neither blocks the thread nor outlives its abort. */
	async function* encoded(texts: readonly string[]): AsyncGenerator<Encoded> {
		const order = texts.map((text, index) => ({ text, index })).sort((a, b) => a.text.length - b.text.length)
		let unbroken = 0
		for (const { text, index } of order) {
			if (unbroken > 0 && unbroken + text.length > breathLength) {
				unbroken = 0
				await new Promise((resolve) => setTimeout(resolve, 0))
			}
			unbroken += text.length
			yield { index, ids: encode(text) }
		}
	}

	async function* grouped(texts: AsyncIterable<Encoded>): AsyncGenerator<Encoded[]> {
		let taken: Encoded[] = []
		for await (const text of texts) {
			if (taken.push(text) < portion) continue
			yield* groups(taken, { rows, tokens: mostTokens })
			taken = []
		}
		yield* groups(taken, { rows, tokens: mostTokens })
	}

	async function* singly(texts: AsyncIterable<Encoded>): AsyncGenerator<Encoded[]> {
		for await (const text of texts) yield [text]
	}

	function encode(text: string): number[] {
		const ids = tokenizer.encode(text)
		if (ids.length < (task as EmbedTask).maxTokens) {
			characters.read += text.length
			characters.tokens += ids.length
		}
		return ids
	}

	const measured = (): Pace | null => {
		const pace = batching ? batching.batchPace() : meter.pace && { ...meter.pace, rows: 1, width: 1 }
		return (
			pace && {
				fixed: pace.fixed,
				perToken: pace.perUnit,
				charactersPerToken: characters.read > 0 ? characters.read / characters.tokens : 4,
				maxTokens: task.maxTokens,
				rows: pace.rows,
				width: pace.width,
			}
		)
	}

	return {
		name: inner.name,
		accepts: [...inner.accepts, task.kind],
		get pace() {
			return measured()
		},
		estimate(call) {
			if (call.kind === 'tensors') return inner.estimate(call)
			if (call.task !== task.kind) return cannot('unsupported', noSuchTask(manifest, call.task))
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
			const texts = encoded(call.input)
			const pieces = batching ? singly(texts) : grouped(texts)
			const most = Math.min(width, call.input.length)
			const part = call.input.length > 1
			const rans = await inTurn(pieces, most, context.signal, async (group, signal): Promise<Provenance> => {
				const run: TensorsCall = { kind: 'tensors', model: call.model, tensors: padded(task, group) }
				const { output, ran } = await inner.infer(run, { ...context, remaining: clock(), signal, part })
				const found = vectorsOf(task, output, group.length)
				for (const [position, { index, ids }] of group.entries()) {
					vectors[index] = found[position] as Float32Array
					tokens += ids.length
				}
				if (!batching && ran.run !== null) meter.add(group.length * longest(group), ran.run)
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
