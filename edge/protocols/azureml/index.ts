// Azure Machine Learning's scoring route: https://learn.microsoft.com/azure/machine-learning/how-to-authenticate-online-endpoint

import { Hono } from 'hono'
import type { EdgeEnv } from '../../env.ts'
import type { EdgeParts } from '../../parts.ts'
import { runInAnyForm } from '../any-form.ts'
import { authorizePlatform, containerModel } from '../hosted.ts'
import type { Protocol } from '../protocol.ts'
import { deployment, routes } from './routes.ts'

/** Its clients read nothing but the status of an error: problem+json does. */
export const azureml: Protocol = { name: 'azureml', paths: ['/score'], routes: azuremlRoutes }

function azuremlRoutes(parts: EdgeParts): Hono<EdgeEnv> {
	const app = new Hono<EdgeEnv>()
	const modelOf = containerModel(parts)
	app.post(routes.score.getRoutingPath(), authorizePlatform(parts), async (c) => {
		const model = await modelOf(c, c.req.header(deployment))
		const response = await runInAnyForm(c, model, parts.config.limits)
		response.headers.set(deployment, model.name)
		return response
	})
	return app
}
