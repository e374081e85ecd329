// The executor for a model of an upstream that speaks OpenAI's interface: embeddings, or chat completions.

import { type Call, type GenerateCall, type Provenance, provenance } from '../../../runtime/core/call.ts'
import { type ErrorCode, SpillwayError } from '../../../runtime/core/error.ts'
import type { Executor } from '../../../runtime/core/executor.ts'
import { toUtf8 } from '../../../runtime/core/utf8.ts'
import { callHeaders } from '../../../runtime/remote/call-headers.ts'
import { checkChat, choicesAsked, readChunks, readCompletion } from '../../../runtime/remote/chat.ts'
import { remoteExecutor } from '../../../runtime/remote/remote.ts'
import { held } from '../held.ts'
import { onlyFor } from '../only-for.ts'
import type { UpstreamOptions } from '../upstream.ts'
import { checkTexts, readEmbeddings } from './embeddings.ts'

interface OpenAIConfig {
	readonly name: string
	readonly url: string
	readonly stall: number
}

const codeOfStatus: Record<number, ErrorCode> = {
	400: 'invalid-input',
	401: 'unauthenticated',
	403: 'forbidden',
	404: 'not-found',
	408: 'deadline-exceeded',
	413: 'too-large',
	422: 'invalid-input',
	429: 'rate-limited',
	503: 'unavailable',
	504: 'deadline-exceeded',
	// "Overloaded", as Anthropic's and others' gateways say it.
	529: 'unavailable',
}

/**
 * Makes the executor for one model of an upstream. Takes the model's task: `embed`, or `generate`, whose answer comes in parts where the caller
 * takes them.
 *
 * An answer is held against what was asked: number, length and form of the vectors, which must be numbers; number of choices; and that a
 * stream ends as one that is whole. Errors: those of `held` and of `remote/chat.ts`.
 *
 * @throws SpillwayError `malformed` for a model without a task.
 */
export function openaiUpstream({ upstream, key, model, fetch }: UpstreamOptions<OpenAIConfig>): Executor {
	const { name, url, stall } = upstream
	const { task } = model.interface
	if (!task) throw new SpillwayError('malformed', `upstream "${name}": ${model.name} has no task, and OpenAI's interface knows no tensors`)
	const base = url.replace(/\/+$/, '')
	const ran: Provenance = {
		...provenance(name, model),
		variant: model.variant ?? null,
		space: task.kind === 'embed' ? (model.space ?? null) : null,
		hops: 1,
	}
	const remote = remoteExecutor(
		{ name, fetch, stall },
		{
			accepts: [task.kind],
			codeOf: (status) => codeOfStatus[status],
			request(call, context) {
				const { path, body } = requestOf(call, model.remote.name, !!context.emit)
				const headers = { 'content-type': 'application/json', ...callHeaders(context, key) }
				return { url: base + path, message: { body: toUtf8(JSON.stringify(body)), headers } }
			},
			answer(call, { body }) {
				if (task.kind === 'embed') return { output: readEmbeddings(name, body, textsOf(call).length, task), ran }
				return { output: { kind: 'generate', completion: { ...readCompletion(name, body, choicesAsked(call)), model: model.name } }, ran }
			},
			async stream(call, { events }, emit) {
				const completion = await readChunks(name, events, choicesAsked(call), (chunk, isFirst) =>
					emit({ kind: 'generate', chunk: { ...chunk, model: model.name }, ...(isFirst && { ran }) }),
				)
				return { output: { kind: 'generate', completion: { ...completion, model: model.name } }, ran }
			},
		},
	)
	const checked: Executor = {
		...remote,
		async infer(call, context) {
			if (isGenerate(call)) checkChat(call.input)
			else checkTexts(textsOf(call))
			return remote.infer(call, context)
		},
	}
	return held(onlyFor(checked, model), model)
}

const isGenerate = (call: Call): call is GenerateCall => call.kind === 'task' && call.task === 'generate'

const textsOf = (call: Call): readonly string[] => (call.kind === 'task' && call.task === 'embed' ? call.input : [])

function requestOf(call: Call, model: string, stream: boolean): { path: string; body: object } {
	// Base64 is half as long as numbers, and exact; who does not know it sends numbers.
	if (!isGenerate(call)) return { path: '/embeddings', body: { model, input: textsOf(call), encoding_format: 'base64' } }
	const parts = stream ? { stream, stream_options: { include_usage: true } } : { stream: undefined, stream_options: undefined }
	return { path: '/chat/completions', body: { ...call.input, model, ...parts } }
}
