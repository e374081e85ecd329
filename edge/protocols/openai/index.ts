// OpenAI's embeddings, chat completions and models, for its official clients and those of Azure AI.

import { Hono } from 'hono'
import { authorize } from '../../auth/authorize.ts'
import type { EdgeContext, EdgeEnv } from '../../env.ts'
import { askerOf } from '../../guard/asker.ts'
import { readBody } from '../../guard/body.ts'
import { parseJson } from '../../guard/json.ts'
import type { EdgeParts, ServedModel } from '../../parts.ts'
import { generate, generateInParts, generates, takeTime } from '../generate.ts'
import type { Protocol } from '../protocol.ts'
import { respondJson } from '../respond.ts'
import { checkTexts, embed } from '../served.ts'
import { readChat, writingFor } from './chat.ts'
import { openaiErrorOf, refuse } from './error.ts'
import { readEmbeddings } from './request.ts'
import { type EmbeddingsResponse, type OpenAIModel, routes } from './routes.ts'

export const openai: Protocol = {
	name: 'openai',
	paths: ['/openai'],
	routes: openaiRoutes,
	refuse: ({ code, status, detail }) => ({ body: openaiErrorOf(code, status, detail) }),
}

function openaiRoutes(parts: EdgeParts): Hono<EdgeEnv> {
	const { config, models } = parts
	const app = new Hono<EdgeEnv>()

	app.post(routes.embeddings.getRoutingPath(), authorize(parts, 'infer'), async (c) => {
		const body = await readBody(c.req.raw, { limit: config.limits.bodyBytes, remaining: c.get('remaining')() })
		const request = readEmbeddings(parseJson(body), config.limits.textsPerCall)
		if ('message' in request) return refuse(c, request)
		const model = await embedding(c, request.model)
		if (!model) return unknownModel(c, request.model)
		if (request.dimensions !== undefined && request.dimensions !== dimensionsOf(model))
			return refuse(c, { message: 'This model does not support specifying dimensions.', param: 'dimensions' })
		checkTexts(request.input, config.limits)
		const { output } = await embed(c, model, request.input, config.limits)
		const write = request.encoding === 'base64' ? base64 : (vector: Float32Array) => Array.from(vector)
		const answer: EmbeddingsResponse = {
			object: 'list',
			data: output.vectors.map((vector, index) => ({ object: 'embedding', index, embedding: write(vector) })),
			model: model.name,
			usage: { prompt_tokens: output.tokens, total_tokens: output.tokens },
		}
		return respondJson(c, answer)
	})

	app.post(routes.chat.getRoutingPath(), authorize(parts, 'infer'), async (c) => {
		const body = await readBody(c.req.raw, { limit: config.limits.bodyBytes, remaining: c.get('remaining')() })
		const request = readChat(parseJson(body))
		if ('message' in request) return refuse(c, request)
		const model = await models.get(request.model, undefined, askerOf(c))
		if (!model || !generates(model)) return unknownModel(c, request.model)
		takeTime(c, config.limits)
		if (request.stream) return generateInParts(c, model, request.input, config.limits, writingFor(request))
		return respondJson(c, await generate(c, model, request.input, config.limits))
	})

	app.get(routes.models.getRoutingPath(), authorize(parts, 'infer'), async (c) => {
		const served = await models.list()
		return respondJson(c, { object: 'list', data: served.filter(answersHere).map(describe) })
	})

	app.get(routes.model.getRoutingPath(), authorize(parts, 'infer'), async (c) => {
		const id = c.req.param('id')
		const model = await models.get(id)
		return model && answersHere(model) ? respondJson(c, describe(model)) : unknownModel(c, id)
	})

	/** A model without the task is none for OpenAI's clients. */
	const embedding = async (c: EdgeContext, name: string) => {
		const model = await models.get(name, undefined, askerOf(c))
		return model && embeds(model) ? model : undefined
	}

	return app
}

const dimensionsOf = ({ interface: { task } }: ServedModel): number | undefined => (task?.kind === 'embed' ? task.dimensions : undefined)

const answersHere = (model: ServedModel): boolean => embeds(model) || generates(model)

const embeds = (model: ServedModel): boolean => dimensionsOf(model) !== undefined

/** When a version was made is not part of its manifest (packing is reproducible), hence 0. */
const describe = ({ name }: ServedModel): OpenAIModel => ({ id: name, object: 'model', created: 0, owned_by: 'spillway' })

const unknownModel = (c: EdgeContext, name: string): Response =>
	refuse(c, {
		status: 404,
		message: `The model \`${name.slice(0, 80)}\` does not exist or you do not have access to it.`,
		code: 'model_not_found',
	})

/** The vector's little-endian bytes. */
function base64(vector: Float32Array): string {
	const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
	let binary = ''
	// In pieces: an argument list has a limit.
	for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192))
	return btoa(binary)
}
