// Tasks for pages: texts in, binary vectors out; a conversation in, what the model writes next out.

import { Hono } from 'hono'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { encodeResponse } from '../../../runtime/remote/oip.ts'
import { authorize } from '../../auth/authorize.ts'
import type { EdgeEnv } from '../../env.ts'
import { askerOf } from '../../guard/asker.ts'
import { readBody } from '../../guard/body.ts'
import { checkJson, parseJson } from '../../guard/json.ts'
import type { EdgeParts } from '../../parts.ts'
import { generate, generateInParts, takeTime, type Writing } from '../generate.ts'
import type { Protocol } from '../protocol.ts'
import { respondBytes, respondJson } from '../respond.ts'
import { checkTexts, embed, findModel } from '../served.ts'
import { joinVectors } from '../vectors.ts'
import { embedRequest, generateRequest, routes } from './routes.ts'

export const tasks: Protocol = { name: 'task', paths: ['/v1/tasks'], routes: taskRoutes }

/** An error has the members of a problem. */
const writing: Writing = {
	chunk: (chunk) => JSON.stringify(chunk),
	error: (problem) => JSON.stringify({ error: problem }),
}

function taskRoutes(parts: EdgeParts): Hono<EdgeEnv> {
	const { config, models } = parts
	const app = new Hono<EdgeEnv>()

	app.post(routes.generate.getRoutingPath(), authorize(parts, 'infer'), async (c) => {
		const body = await readBody(c.req.raw, { limit: config.limits.bodyBytes, remaining: c.get('remaining')() })
		const { model: name, version, input, stream } = checkJson(generateRequest, parseJson(body))
		const model = await findModel(models, name, version, askerOf(c))
		takeTime(c, config.limits)
		if (stream) return generateInParts(c, model, input, config.limits, writing)
		return respondJson(c, await generate(c, model, input, config.limits))
	})

	app.post(routes.task.getRoutingPath(), authorize(parts, 'infer'), async (c) => {
		const task = c.req.param('task')
		if (task !== 'embed') throw new SpillwayError('not-found', `there is no task "${task}"; there are: embed, generate`)
		const body = await readBody(c.req.raw, { limit: config.limits.bodyBytes, remaining: c.get('remaining')() })
		const { model: name, version, input, space } = checkJson(embedRequest, parseJson(body))
		checkTexts(input, config.limits)
		const model = await findModel(models, name, version, askerOf(c, space))
		const { output } = await embed(c, model, input, config.limits, space)
		const message = encodeResponse(
			{
				model: model.name,
				version: model.version,
				outputs: { embedding: joinVectors(output.vectors) },
				parameters: { tokens: output.tokens },
			},
			{ binaryOutput: true },
		)
		return respondBytes(c, message.body, { headers: message.headers })
	})

	return app
}
