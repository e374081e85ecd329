// TensorFlow Serving's REST interface, and KServe's version 1, which shares its paths.
// https://www.tensorflow.org/tfx/serving/api_rest

import { Hono } from 'hono'
import type { TensorsOutput } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Tensors } from '../../../runtime/core/tensor.ts'
import { toUtf8 } from '../../../runtime/core/utf8.ts'
import { authorize } from '../../auth/authorize.ts'
import type { EdgeContext, EdgeEnv } from '../../env.ts'
import { askerOf } from '../../guard/asker.ts'
import { readBody } from '../../guard/body.ts'
import { probeHopsOf } from '../../guard/context.ts'
import { parseJson } from '../../guard/json.ts'
import type { EdgeParts, ServedModel } from '../../parts.ts'
import type { Protocol } from '../protocol.ts'
import { respondBytes, respondJson, tell } from '../respond.ts'
import { answer, checkTensors, expectKind, findModel, referTo } from '../served.ts'
import { metadataOf, statusOf } from './describe.ts'
import { checkMethod, readExamples, writeResults } from './examples.ts'
import { readPredict, writePredict } from './predict.ts'

export const tfserving: Protocol = {
	name: 'tfserving',
	paths: ['/v1/models'],
	routes: tfservingRoutes,
	// TensorFlow's word for what is not done is 501; 422 is none of its statuses.
	refuse: ({ detail, status }) => ({ body: { error: detail }, status: status === 422 ? 501 : status }),
}

/** Status and metadata need no key: probes have none, and the models' manifests are public. */
function tfservingRoutes(parts: EdgeParts): Hono<EdgeEnv> {
	const { config, models } = parts
	const app = new Hono<EdgeEnv>()

	app.get('/v1/models', (c) => respondJson(c, { models: models.names }))

	const status = async (c: EdgeContext) => {
		const { name = '', version = name } = c.req.param() as { name?: string; version?: string }
		if (version.includes(':')) throw notTaken(c, 'POST')
		const hops = probeHopsOf(c, config.limits)
		const model = await namedModel(c, name)
		return respondJson(c, statusOf(model, await model.ready(hops)))
	}
	const metadata = async (c: EdgeContext) => respondJson(c, metadataOf(await namedModel(c, c.req.param('name') as string)))

	const run = async (c: EdgeContext) => {
		const target = c.req.param('target') as string
		const colon = target.lastIndexOf(':')
		if (colon < 0) throw notTaken(c, 'GET, HEAD')
		const method = methods.get(target.slice(colon + 1))
		if (!method) throw new SpillwayError('not-found', `nothing is at POST ${c.req.path}; a method such as ":predict" ends the path`)
		const named = target.slice(0, colon)
		const model = await (c.req.param('name') ? namedModel(c, c.req.param('name') as string, named) : namedModel(c, named))
		const body = await readBody(c.req.raw, { limit: config.limits.bodyBytes, remaining: c.get('remaining')() })
		const { tensors, write } = method(parseJson(body), model)
		checkTensors(model, tensors)
		const made = await answer(c, model, { kind: 'tensors', model: referTo(c, model), tensors }, config.limits)
		const text = write(expectKind<TensorsOutput>(made, 'tensors').tensors)
		return respondBytes(c, toUtf8(text), { headers: { 'content-type': 'application/json' } })
	}

	for (const place of ['/v1/models/:name', '/v1/models/:name/versions/:version', '/v1/models/:name/labels/:version']) {
		app.get(place, status)
		app.get(`${place}/metadata`, metadata)
		// The last name of the path has the method at its end: `/v1/models/minilm:predict`, `/v1/models/minilm/versions/1:predict`.
		app.post(place.replace(/:\w+$/, ':target'), authorize(parts, 'infer'), run)
	}

	const namedModel = (c: EdgeContext, name: string, version = c.req.param('version')) => findModel(models, name, version, askerOf(c))
	return app
}

/** The method at the end of a path makes it another path, for which the router has no word. */
function notTaken(c: EdgeContext, allowed: string): SpillwayError {
	c.set('status', 405)
	tell(c, { allow: allowed })
	return new SpillwayError(
		'unsupported',
		`${c.req.path} takes ${allowed}; POST is for paths with ":predict" or another method at their end`,
	)
}

/** A call, and how its outputs become the body of the answer. */
interface Exchange {
	readonly tensors: Tensors
	write(outputs: Tensors): string
}

const methods = new Map<string, (body: unknown, model: ServedModel) => Exchange>([
	[
		'predict',
		(body, model) => {
			const { form, tensors } = readPredict(body, inputsOf(model))
			return { tensors, write: (outputs) => writePredict(form, outputs) }
		},
	],
	['classify', (body, model) => examples('classify', body, model)],
	['regress', (body, model) => examples('regress', body, model)],
	[
		'explain',
		(_, { name }) => {
			throw new SpillwayError('unsupported', `model "${name}" has no explainer; use :predict`)
		},
	],
])

function examples(method: 'classify' | 'regress', body: unknown, model: ServedModel): Exchange {
	checkMethod(method, model.name, model.interface)
	return { tensors: readExamples(body, method, inputsOf(model)), write: (outputs) => writeResults(method, outputs) }
}

/** @throws SpillwayError `unsupported` when nobody has said what the model takes. */
function inputsOf({ name, interface: { inputs } }: ServedModel) {
	if (inputs) return inputs
	throw new SpillwayError('unsupported', `JSON tells no datatypes, and no inputs of "${name}" are declared; use /v2/models/${name}/infer`)
}
