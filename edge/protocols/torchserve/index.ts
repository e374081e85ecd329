// TorchServe's inference interface: https://pytorch.org/serve/inference_api.html

import { Hono } from 'hono'
import type { ErrorCode } from '../../../runtime/core/error.ts'
import { authorize } from '../../auth/authorize.ts'
import type { EdgeContext, EdgeEnv } from '../../env.ts'
import { askerOf } from '../../guard/asker.ts'
import { probeHopsOf } from '../../guard/context.ts'
import type { EdgeParts } from '../../parts.ts'
import { runInAnyForm } from '../any-form.ts'
import type { Protocol } from '../protocol.ts'
import { respondJson } from '../respond.ts'
import { allReady, findModel } from '../served.ts'
import { routes, type TorchServeError } from './routes.ts'

export const torchserve: Protocol = {
	name: 'torchserve',
	paths: ['/predictions', '/ping'],
	routes: torchserveRoutes,
	refuse: ({ code, status, detail }) => ({ body: { code: status, type: typeOf(code, status), message: detail } satisfies TorchServeError }),
}

function torchserveRoutes(parts: EdgeParts): Hono<EdgeEnv> {
	const { config, models } = parts
	const app = new Hono<EdgeEnv>()

	// SageMaker asks its containers at the same path; only the status counts there.
	app.get(routes.ping.getRoutingPath(), async (c) => {
		const ready = await allReady(models, probeHopsOf(c, config.limits))
		return respondJson(c, { status: ready ? 'Healthy' : 'Unhealthy' }, { status: ready ? 200 : 503 })
	})

	const predict = async (c: EdgeContext) =>
		runInAnyForm(c, await findModel(models, c.req.param('name') as string, c.req.param('version'), askerOf(c)), config.limits)
	app.post(routes.predict.getRoutingPath(), authorize(parts, 'infer'), predict)
	app.post(routes.predictOfVersion.getRoutingPath(), authorize(parts, 'infer'), predict)

	return app
}

/** TorchServe's classes of errors. */
function typeOf(code: ErrorCode, status: number): string {
	if (status === 405) return 'MethodNotAllowedException'
	if (code === 'not-found') return 'ModelNotFoundException'
	if (status === 503) return 'ServiceUnavailableException'
	return status < 500 ? 'BadRequestException' : 'InternalServerException'
}
