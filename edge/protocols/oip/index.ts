// The Open Inference Protocol v2 over REST: health, metadata, infer with JSON and binary tensors.
// https://github.com/kserve/open-inference-protocol

import { Hono } from 'hono'
import type { TensorsOutput } from '../../../runtime/core/call.ts'
import { decodeRequest, encodeResponse, headerLengthName } from '../../../runtime/remote/oip.ts'
import { authorize } from '../../auth/authorize.ts'
import type { EdgeContext, EdgeEnv } from '../../env.ts'
import { askerOf } from '../../guard/asker.ts'
import { readBody } from '../../guard/body.ts'
import { probeHopsOf } from '../../guard/context.ts'
import { problemType } from '../../guard/problem.ts'
import type { EdgeParts } from '../../parts.ts'
import type { Protocol } from '../protocol.ts'
import { respondBytes, respondJson } from '../respond.ts'
import { allReady, answer, checkTensors, expectKind, findModel, referTo } from '../served.ts'
import { describe } from './describe.ts'
import { routes, type ServerMetadata } from './routes.ts'

export const oip: Protocol = {
	name: 'oip',
	paths: ['/v2'],
	routes: oipRoutes,
	// Its clients look for the words in `error`.
	refuse: (problem) => ({ body: { ...problem, error: problem.detail }, headers: { 'content-type': problemType } }),
}

/** Health and metadata need no key: probes have none, and the models' manifests are public. */
function oipRoutes(parts: EdgeParts): Hono<EdgeEnv> {
	const { config, models, build } = parts
	const app = new Hono<EdgeEnv>()

	app.get(routes.live.getRoutingPath(), (c) => respondJson(c, { live: true }))

	app.get(routes.ready.getRoutingPath(), async (c) => {
		const ready = await allReady(models, probeHopsOf(c, config.limits))
		return respondJson(c, { ready }, { status: ready ? 200 : 503 })
	})

	app.get(routes.server.getRoutingPath(), (c) => {
		const metadata: ServerMetadata = { name: 'spillway', version: build.version, extensions: ['binary_tensor_data'] }
		return respondJson(c, metadata)
	})

	const modelReady = async (c: EdgeContext) => {
		const hops = probeHopsOf(c, config.limits)
		const model = await namedModel(c)
		const ready = await model.ready(hops)
		return respondJson(c, { name: model.name, ready }, { status: ready ? 200 : 503 })
	}
	app.get(routes.modelReady.getRoutingPath(), modelReady)
	app.get(routes.modelReadyOfVersion.getRoutingPath(), modelReady)

	const metadata = async (c: EdgeContext) => respondJson(c, describe(await namedModel(c)))
	app.get(routes.metadata.getRoutingPath(), metadata)
	app.get(routes.metadataOfVersion.getRoutingPath(), metadata)

	const infer = async (c: EdgeContext) => {
		const model = await namedModel(c)
		const body = await readBody(c.req.raw, { limit: config.limits.bodyBytes, remaining: c.get('remaining')() })
		const request = decodeRequest(body, c.req.header(headerLengthName) ?? null)
		checkTensors(model, request.inputs)
		const made = await answer(c, model, { kind: 'tensors', model: referTo(c, model), tensors: request.inputs }, config.limits)
		const { tensors } = expectKind<TensorsOutput>(made, 'tensors')
		const { name, version } = model
		const message = encodeResponse({ model: name, version, outputs: tensors, ...(request.id !== undefined && { id: request.id }) }, request)
		return respondBytes(c, message.body, { headers: message.headers })
	}
	app.post(routes.infer.getRoutingPath(), authorize(parts, 'infer'), infer)
	app.post(routes.inferOfVersion.getRoutingPath(), authorize(parts, 'infer'), infer)

	const namedModel = (c: EdgeContext) => findModel(models, c.req.param('name') as string, c.req.param('version'), askerOf(c))
	return app
}
