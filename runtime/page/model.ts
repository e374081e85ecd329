// A model as an application sees it: inputs checked, the call sent to whoever can answer, the answer unwrapped.

import {
	type Answer,
	type Call,
	type EmbedOutput,
	type GenerateOutput,
	type ModelRef,
	type Part,
	type Provenance,
	provenance,
	type TensorsOutput,
} from '../core/call.ts'
import type { ChatChunk, ChatCompletion, ChatRequest } from '../core/chat.ts'
import { defaultDeadline } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import type { Estimate, Executor, Priority } from '../core/executor.ts'
import type { Tensor, Tensors } from '../core/tensor.ts'
import type { ModelReport } from '../device/control.ts'
import type { Progress } from '../device/protocol.ts'
import { attempt } from '../overflow/loop.ts'
import { type Candidate, estimate, overdue } from '../overflow/plan.ts'
import { type Policy, tightens } from '../overflow/policy.ts'
import type { Device } from './device.ts'
import type { Telemetry } from './telemetry.ts'

/** Further attempts that a call may cost, over all hops. */
const retries = 3

export interface ReadyOptions {
	/** Told some twenty times a second at most. */
	onProgress?: ((progress: Progress) => void) | undefined
	/** Gives up waiting; the load itself is stopped when nobody else waits for it. */
	signal?: AbortSignal | undefined
}

export interface CallOptions {
	/** Milliseconds that the call may take. Default 30,000. */
	deadline?: number | undefined
	signal?: AbortSignal | undefined
	/**
	 * Another policy for this call: any that lets it go nowhere where the runtime's does not. So `device-only` and `edge-only` cannot be changed,
	 * and the other three can be changed into any.
	 */
	policy?: Policy | undefined
	/** Who goes first where calls wait. Default `"normal"`. */
	priority?: Priority | undefined
	/** Space that the answer must be in, as told by an earlier one; an executor of another space is passed by. */
	space?: string | undefined
}

export interface EmbedResult {
	/** One for each text, in order. */
	vectors: Float32Array[]
	/** Identity of the vectors' space; keep it with stored vectors. Null when no vector was made. */
	space: string | null
	/** Where the answer was made, and why there. */
	ran: Provenance
}

export interface InferResult {
	/** The model's outputs by name. */
	tensors: Tensors
	ran: Provenance
}

export interface GenerateOptions extends CallOptions {
	/**
	 * Takes the parts of the answer as they come; the next one is read when what it returns has settled. After the first part, a call that fails is not
	 * tried elsewhere. What it throws ends the call, as the cause of an `aborted`. Default: the answer comes whole.
	 */
	onChunk?: ((chunk: ChatChunk) => unknown) | undefined
}

export interface GenerateResult {
	/** The whole answer in OpenAI's form, also where its parts came before. */
	completion: ChatCompletion
	ran: Provenance
}

export interface Explanation {
	model: string
	policy: Policy
	/** Null under `edge-only`. `report` is null until the engine has been started. */
	device: { estimate: Estimate; report: ModelReport | null } | null
	/** Null when no edge is configured. */
	edge: { address: string; estimate: Estimate } | null
}

export interface Model {
	readonly name: string
	/**
	 * Loads the model on this device: downloads what is not stored yet, verifies it, and checks golden samples. Not needed before calls:
	 * the first call starts it, too. Resolves at once when the model is there, and under `edge-only`.
	 *
	 * @throws SpillwayError why the device cannot serve: `environment`, `network`, `integrity`, `untrusted`, `golden-mismatch`, `storage-full`, …;
	 *   a later `ready` tries again, and an edge answers all the same.
	 * @example await minilm.ready({ onProgress: ({ loaded, total }) => bar.set(loaded / total) })
	 */
	ready(options?: ReadyOptions): Promise<void>
	/**
	 * Asks which version is current, downloads what has changed, checks its golden samples, and lets it serve from then on; a model that is not
	 * here is loaded before. No call is lost: those under way are answered by the version that took them. A new version is another vector
	 * space (`space`), so a page gets none that it did not ask for: without `update`, it serves from the next start on.
	 *
	 * @returns the version that serves now, and whether it is another one than before. Under `edge-only` there is none: `null`.
	 * @throws SpillwayError as `ready`: the version before goes on.
	 * @example if ((await minilm.update()).changed) await embedAllAgain()
	 */
	update(options?: ReadyOptions): Promise<{ version: string | null; changed: boolean }>
	/**
	 * Makes a vector of each text.
	 *
	 * @param texts any strings, empty ones too; longer ones than the model reads are cut. No texts: no vectors, and no call.
	 * @throws SpillwayError `invalid-input`, `deadline-exceeded`, `aborted`, `disposed`, or why nobody could answer.
	 * @example const { vectors } = await minilm.embed(["how do I reset my password?"], { deadline: 300 })
	 */
	embed(texts: readonly string[], options?: CallOptions): Promise<EmbedResult>
	/**
	 * Runs the model on raw tensors, with names, datatypes and shapes as its manifest says.
	 *
	 * @throws SpillwayError as `embed`.
	 * @example await ring.infer({ x: { datatype: "FP32", shape: [4], data: Float32Array.of(1, 2, 3, 4) } })
	 */
	infer(tensors: Tensors, options?: CallOptions): Promise<InferResult>
	/**
	 * Asks what comes next in a conversation. Such models run behind an edge, not on the device: **what is said goes there**, and under `device-only`
	 * the call is refused with `unsupported`.
	 *
	 * @param request as OpenAI's chat completions have it, without `model` and `stream`.
	 * @throws SpillwayError as `embed`; `upstream` when an answer breaks off in its middle: what came is not all.
	 * @example
	 * const { completion } = await llama.generate(
	 * 	{ messages: [{ role: "user", content: "how do I true a wheel?" }] },
	 * 	{ onChunk: ({ choices: [choice] }) => output.append(choice?.delta.content ?? "") },
	 * )
	 */
	generate(request: ChatRequest, options?: GenerateOptions): Promise<GenerateResult>
	/** What would answer a call now, and why. Sends nothing. */
	explain(): Promise<Explanation>
}

export interface ModelParts {
	readonly ref: ModelRef
	readonly policy: Policy
	readonly device: Device | null
	readonly edge: { readonly executor: Executor; readonly address: string } | null
	readonly telemetry: Telemetry
	/** Aborts when the runtime is disposed, with the error as its reason. */
	readonly disposal: AbortSignal
}

export function makeModel({ ref, policy, device, edge, telemetry, disposal }: ModelParts): Model {
	const candidates: Candidate[] = [
		...(device ? [{ executor: device, role: 'device' as const }] : []),
		...(edge ? [{ executor: edge.executor, role: 'edge' as const }] : []),
	]

	const modelIn = ({ space }: CallOptions): ModelRef => (space === undefined ? ref : { ...ref, space })

	async function answer(
		call: Call,
		{ deadline = defaultDeadline, signal, policy: asked = policy, priority, onChunk }: GenerateOptions,
	): Promise<Answer> {
		if (!Number.isFinite(deadline)) refuse('deadline must be milliseconds')
		if (!tightens(asked, policy)) refuse(`policy: "${asked}" does not tighten "${policy}"`)
		if (priority !== undefined && !/^(high|normal|low)$/.test(priority)) refuse('priority must be high, normal or low')
		const operation = call.kind === 'task' ? call.task : 'infer'
		// Where nobody else is asked first, and it lets nobody pass.
		if (/device/.test(asked) && priority !== 'low' && !signal?.aborted) device?.begin(call, deadline)
		// There is nothing to load for what no device does.
		const waking = operation === 'generate' ? null : device
		// Where the edge goes first, the device is loaded when the edge cannot answer, or is overdue.
		const first = asked === 'prefer-edge' && edge ? estimate(edge.executor, call) : undefined
		let wakeNoMore: (() => void) | undefined
		if (first?.can === 'now') wakeNoMore = waking?.sleep(overdue(first), () => waking.wake(ref))
		else if (asked !== 'edge-only') waking?.wake(ref)
		const { trace, end } = telemetry.watch({ operation, model: ref.name, policy: asked })
		try {
			const context = {
				remaining: deadline,
				signal: signal ? AbortSignal.any([disposal, signal]) : disposal,
				hops: 0,
				retries: { left: retries },
				trace,
				priority,
				emit: onChunk && (async ({ chunk }: Part) => void (await onChunk(chunk))),
			}
			// The caller may go on with its conversation.
			const own = operation === 'generate' ? structuredClone(call) : call
			const answered = await attempt(candidates, asked, own, context, { sleep: device?.sleep })
			end(answered.ran)
			return answered
		} catch (thrown) {
			const error = failure(thrown)
			end(undefined, error.code)
			throw error
		} finally {
			wakeNoMore?.()
		}
	}

	/** What is not ours comes of a signal that is none. */
	const failure = (thrown: unknown): SpillwayError => disposal.reason ?? SpillwayError.from(thrown, 'invalid-input')

	const load = async ({ onProgress, signal = disposal }: ReadyOptions = {}, update?: boolean) => {
		disposal.throwIfAborted()
		return device?.load(ref, { remaining: Number.POSITIVE_INFINITY, signal }, onProgress, update).catch((error) => {
			throw failure(error)
		})
	}

	return {
		name: ref.name,
		async ready(options) {
			await load(options)
		},
		async update(options) {
			await load(options)
			const { version = null, changed = false } = (await load(options, true)) ?? {}
			return { version, changed }
		},
		async embed(texts, options = {}) {
			if (!Array.isArray(texts)) refuse('texts must be an array')
			texts.forEach((text, i) => {
				if (typeof text !== 'string') refuse(`texts[${i}] must be a string`)
			})
			if (!texts.length) {
				disposal.throwIfAborted()
				return { vectors: [], space: null, ran: provenance(device ? 'device' : 'edge', ref) }
			}
			const { output, ran } = await answer({ kind: 'task', model: modelIn(options), task: 'embed', input: [...texts] }, options)
			return { vectors: [...(output as EmbedOutput).vectors], space: ran.space, ran }
		},
		async infer(tensors, options = {}) {
			if (!tensors || !Object.keys(tensors).length) refuse('give tensors by name')
			// The caller may go on with its arrays. What is no tensor is refused by the executors.
			const copies: Record<string, Tensor> = {}
			for (const [name, value] of Object.entries(tensors)) copies[name] = { ...value, data: value?.data?.slice?.() }
			const { output, ran } = await answer({ kind: 'tensors', model: modelIn(options), tensors: copies }, options)
			return { tensors: (output as TensorsOutput).tensors, ran }
		},
		async generate(request, options = {}) {
			const { output, ran } = await answer({ kind: 'task', model: ref, task: 'generate', input: request }, options)
			return { completion: (output as GenerateOutput).completion, ran }
		},
		async explain() {
			const call: Call = { kind: 'tensors', model: ref, tensors: {} }
			return {
				model: ref.name,
				policy,
				device: device && { estimate: device.estimate(call), report: await device.explain(ref.name) },
				edge: edge && { address: edge.address, estimate: edge.executor.estimate(call) },
			}
		},
	}
}

const refuse = (why: string): never => {
	throw new SpillwayError('invalid-input', why)
}
