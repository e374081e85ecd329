// Tasks for pages: text in, binary vectors out.

import { Hono } from 'hono'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { encodeResponse } from '../../../runtime/remote/oip.ts'
import { authorize } from '../../auth/authorize.ts'
import type { EdgeEnv } from '../../env.ts'
import { readBody } from '../../guard/body.ts'
import { checkJson, parseJson } from '../../guard/json.ts'
import type { EdgeParts } from '../../parts.ts'
import type { Protocol } from '../protocol.ts'
import { respondBytes } from '../respond.ts'
import { checkTexts, embed, findModel } from '../served.ts'
import { joinVectors } from '../vectors.ts'
import { embedRequest, routes } from './routes.ts'

export const tasks: Protocol = { name: 'task', paths: ['/v1/tasks'], routes: taskRoutes }

function taskRoutes(parts: EdgeParts): Hono<EdgeEnv> {
	const { config, models } = parts
	const app = new Hono<EdgeEnv>()

	app.post(routes.task.getRoutingPath(), authorize(parts, 'infer'), async (c) => {
		const task = c.req.param('task')
		if (task !== 'embed') throw new SpillwayError('not-found', `there is no task "${task}"; there is: embed`)
		const body = await readBody(c.req.raw, { limit: config.limits.bodyBytes, remaining: c.get('remaining')() })
		const { model: name, version, input, space } = checkJson(embedRequest, parseJson(body))
		checkTexts(input, config.limits)
		const model = await findModel(models, name, version)
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
