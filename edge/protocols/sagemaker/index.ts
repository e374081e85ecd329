// Amazon SageMaker: what it asks of a container (`/invocations`; `/ping` is TorchServe's, too), and what its clients ask of an endpoint.
// https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html

import { Hono } from 'hono'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { authorize } from '../../auth/authorize.ts'
import type { EdgeContext, EdgeEnv } from '../../env.ts'
import { askerOf } from '../../guard/asker.ts'
import type { EdgeParts, ServedModel } from '../../parts.ts'
import { runInAnyForm } from '../any-form.ts'
import { authorizePlatform, containerModel } from '../hosted.ts'
import type { Protocol } from '../protocol.ts'
import { findModel } from '../served.ts'
import { refusalOf } from './error.ts'
import { routes } from './routes.ts'

export const sagemaker: Protocol = {
	name: 'sagemaker',
	paths: ['/invocations', '/endpoints'],
	routes: sagemakerRoutes,
	refuse: refusalOf,
}

function sagemakerRoutes(parts: EdgeParts): Hono<EdgeEnv> {
	const { config, models } = parts
	const app = new Hono<EdgeEnv>()

	const modelOf = containerModel(parts)
	app.post(routes.container.getRoutingPath(), authorizePlatform(parts), async (c) => runInAnyForm(c, await modelOf(c), config.limits))

	app.post(routes.endpoint.getRoutingPath(), authorize(parts, 'infer'), async (c) => {
		const model = await findModel(models, c.req.param('name'), undefined, askerOf(c))
		checkTargets(c, model)
		const response = await runInAnyForm(c, model, config.limits)
		const variant = c.get('ran')?.variant
		if (variant) response.headers.set('x-amzn-invoked-production-variant', variant)
		return response
	})

	return app
}

/**
 * A target is what the endpoint has anyway, or a mistake: another one would be another answer.
 * @throws SpillwayError `not-found`.
 */
function checkTargets(c: EdgeContext, { name, variant }: ServedModel): void {
	const targetVariant = c.req.header('x-amzn-sagemaker-target-variant')
	if (targetVariant !== undefined && targetVariant !== variant)
		throw new SpillwayError('not-found', `endpoint ${name} has no variant "${targetVariant.slice(0, 80)}"; it has: ${variant ?? 'none'}`)
	const targetModel = c.req.header('x-amzn-sagemaker-target-model')
	if (targetModel !== undefined && targetModel.replace(/\.tar\.gz$/, '') !== name)
		throw new SpillwayError('not-found', `endpoint ${name} has no model "${targetModel.slice(0, 80)}"; name the model as the endpoint`)
}
