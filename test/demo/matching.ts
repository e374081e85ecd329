// How well the help desk matches: `node test/demo/matching.ts` prints the table in docs/demo.md. The shipped model must have been packed
// (`npm run build`).

import { join } from 'node:path'
import { nearest, wordings } from '../../demo/faq/match.ts'
import { localModel } from '../../edge/cli/local-model.ts'
import { traceParent } from '../../runtime/core/trace.ts'
import { fresh, type QuestionSet, seen } from './questions.ts'

/** The best entry of each question of a set. */
export interface Matched {
	/** Of questions that an entry answers: the best score, and whether it is that entry's. */
	readonly answered: readonly { score: number; right: boolean }[]
	/** Of questions that none answers. */
	readonly unanswered: readonly { score: number }[]
}

/** Shares, 0 to 1. */
export interface Figures {
	/** Of questions that an entry answers: that entry is shown, another is, or none. */
	readonly right: number
	readonly wrong: number
	readonly refused: number
	/** Of questions that no entry answers: none is shown. */
	readonly rightlyRefused: number
}

/** Matches all questions of both sets. */
export async function matchAll(): Promise<{ seen: Matched; fresh: Matched }> {
	const model = await localModel(join(import.meta.dirname, '../../dist/packed'), 'minilm', 'embed')
	const embed = async (input: readonly string[]) => {
		const call = { kind: 'task', task: 'embed', model: { name: 'minilm' }, input } as const
		const context = { remaining: 60_000, signal: new AbortController().signal, hops: 0, retries: { left: 0 }, trace: traceParent() }
		const { output } = await model.infer(call, context)
		if (output.kind !== 'embed') throw new Error('no vectors')
		return output.vectors
	}
	const topics = await embed(wordings)
	const best = async (questions: readonly string[]) => (await embed(questions)).map((vector) => nearest(vector, topics, 1)[0])
	const match = async ({ answered, unanswered }: QuestionSet): Promise<Matched> => {
		const found = await best(answered.map(([question]) => question))
		return {
			answered: found.map((one, index) => ({
				score: one?.score ?? -1,
				right: answered[index]?.slice(1).includes(one?.entry.id ?? '') ?? false,
			})),
			unanswered: (await best(unanswered)).map((one) => ({ score: one?.score ?? -1 })),
		}
	}
	try {
		return { seen: await match(seen), fresh: await match(fresh) }
	} finally {
		await model.dispose()
	}
}

export function figures({ answered, unanswered }: Matched, threshold: number): Figures {
	const right = answered.filter((one) => one.score >= threshold && one.right).length / answered.length
	const wrong = answered.filter((one) => one.score >= threshold && !one.right).length / answered.length
	const rightlyRefused = unanswered.filter(({ score }) => score < threshold).length / unanswered.length
	return { right, wrong, refused: 1 - right - wrong, rightlyRefused }
}

if (import.meta.main) {
	const matched = await matchAll()
	const percent = (share: number) => `${Math.round(share * 100)} %`
	console.log('| set | threshold | right | wrong | refused | no answer, refused |\n| --- | --- | --- | --- | --- | --- |')
	for (const set of ['seen', 'fresh'] as const)
		for (let threshold = 0.38; threshold < 0.59; threshold += 0.02) {
			const { right, wrong, refused, rightlyRefused } = figures(matched[set], threshold)
			console.log(`| ${[set, threshold.toFixed(2), ...[right, wrong, refused, rightlyRefused].map(percent)].join(' | ')} |`)
		}
}
