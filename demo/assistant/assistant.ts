// The help desk's assistant: opens the runtime under a policy, loads the model, answers questions.

import { createRuntime, type Model, type Policy, type Progress, type Provenance, type Runtime } from '../../runtime/index.ts'
import { type Match, nearest, threshold } from '../faq/match.ts'
import { vectorsIn } from '../faq/vectors.ts'
import { edgeKey } from './config.ts'

export type State =
	/** It is not on this device, and the browser is asked to save data: the customer has to say that it may be downloaded. */
	| { phase: 'held' }
	| { phase: 'loading'; progress: Progress | null }
	/** The model is here and makes the help topics' vectors. */
	| { phase: 'topics' }
	| { phase: 'ready' }
	/** The policy wants no model on this device. */
	| { phase: 'edge' }
	| { phase: 'failed'; error: unknown }

export interface Reply {
	readonly question: string
	/** The best entry, then alternatives, best first. */
	readonly matches: readonly Match[]
	/** Whether the best entry is near enough to be an answer. */
	readonly fits: boolean
	readonly ran: Provenance
	/** Milliseconds from asking to the question's vector. */
	readonly total: number
	/** Milliseconds spent on reading the help topics after that; next to none when they had been read. */
	readonly prepared: number
}

export interface Assistant {
	/** Answers a question; rejects with a `SpillwayError`. */
	ask(question: string, signal: AbortSignal): Promise<Reply>
	/** Loads the model when it was held, and again after a failure. */
	load(): void
	/** Lets the newer version of the model serve that `onNewer` told of. */
	update(): void
	/** Asks the browser to keep the model when it needs room. */
	keep(): void
	/** Gives the model's memory back. */
	close(): Promise<void>
}

/** Milliseconds for a question. */
const questionDeadline = 15_000
/** Milliseconds for some of the help topics; generous, so that a slow device is not thought to be too slow for them. */
const topicsDeadline = 120_000
/** Topics' wordings that are read in one go before anybody has asked: few, so that a question soon gets its turn. */
const wordingsAtOnce = 24
const shown = 3
/** Milliseconds between two looks for a newer version, of which the runtime knows by itself. */
const lookAgain = 5_000

/**
 * Opens the assistant; the model loads meanwhile.
 *
 * @param chosen where answers may be made; the runtime keeps to it for its whole life.
 * @param onState told whenever the model's state changes, with the policy that the runtime has: an edge that gives the page no key cannot
 *   answer, and `prefer-device` is `device-only` then.
 * @param onNewer told once a newer version of the model is on this device. It serves when the page is opened next, or when `update` is called.
 */
export async function openAssistant(
	chosen: Policy,
	onState: (state: State, policy: Policy) => void,
	onNewer: () => void,
): Promise<Assistant> {
	// Under device-only the edge is asked for nothing that needs a key.
	const key = chosen === 'device-only' ? undefined : await edgeKey()
	const policy = chosen === 'prefer-device' && key === undefined ? 'device-only' : chosen
	const saving = savingData()
	const runtime = createRuntime({ edge: location.origin, policy, key, download: saving ? 'ask' : 'auto' })
	const model = runtime.model('minilm')
	const closed = new AbortController()
	const tell = (state: State) => {
		if (!closed.signal.aborted) onState(state, policy)
	}

	const options = { signal: closed.signal, onProgress: (progress: Progress) => tell({ phase: 'loading', progress }) }

	async function open(): Promise<void> {
		if (policy === 'edge-only') return tell({ phase: 'edge' })
		if (saving && !(await isStored(runtime))) return tell({ phase: 'held' })
		await load()
	}

	async function load(update = false): Promise<void> {
		tell({ phase: 'loading', progress: null })
		try {
			await (update ? model.update(options) : model.ready(options))
			tell({ phase: 'topics' })
			await readTopics(model)
			tell({ phase: 'ready' })
			void lookForNewer()
		} catch (error) {
			tell({ phase: 'failed', error })
		}
	}

	async function lookForNewer(): Promise<void> {
		while (!closed.signal.aborted) {
			const { device } = await model.explain()
			if (device?.report?.next?.state === 'stored') return onNewer()
			await new Promise((resolve) => setTimeout(resolve, lookAgain))
		}
	}
	void open()

	return {
		async ask(question, signal) {
			const started = performance.now()
			const { vectors, space, ran } = await model.embed([question], { deadline: questionDeadline, signal })
			const answered = performance.now()
			if (space === null) throw new Error('the answer does not tell its vector space')
			const topics = await vectorsIn(space, (texts) => model.embed(texts, { deadline: topicsDeadline, space }))
			const matches = nearest(vectors[0] as Float32Array, topics, shown)
			return {
				question,
				matches,
				fits: (matches[0]?.score ?? -1) >= threshold,
				ran,
				total: answered - started,
				prepared: performance.now() - answered,
			}
		},
		load: () => void load(),
		update: () => void load(true),
		keep: () => void runtime.storage.persist().catch(() => {}),
		close() {
			closed.abort()
			return runtime.dispose()
		},
	}
}

/** Whether the customer's browser is asked to save data: https://wicg.github.io/savedata/ */
function savingData(): boolean {
	const { connection } = navigator as { connection?: { saveData?: boolean } }
	return connection?.saveData === true
}

async function isStored(runtime: Runtime): Promise<boolean> {
	const stored = await runtime.storage.list().catch(() => [])
	return stored.some(({ model, current, complete }) => model === 'minilm' && current && complete)
}

/** Has the help topics' vectors made on this device, so that the first question need not wait for them. */
async function readTopics(model: Model): Promise<void> {
	const space = (await model.explain()).device?.report?.space ?? null
	if (space === null) return
	const embed = (texts: readonly string[]) => model.embed(texts, { deadline: topicsDeadline, space, policy: 'device-only' })
	await vectorsIn(space, embed, wordingsAtOnce)
}
