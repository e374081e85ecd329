// What protocols do that leave the form of bodies to the model: TorchServe, SageMaker, Azure ML.

import type { TensorsOutput } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Tensors } from '../../runtime/core/tensor.ts'
import { toUtf8 } from '../../runtime/core/utf8.ts'
import { decodeRequest, encodeResponse, headerLengthName } from '../../runtime/remote/oip.ts'
import type { Limits } from '../config/schema.ts'
import type { EdgeContext } from '../env.ts'
import { readBody } from '../guard/body.ts'
import { parseJson } from '../guard/json.ts'
import { readForm } from '../json/forms.ts'
import type { ServedModel } from '../parts.ts'
import { jsonLengthOf, tritonType } from '../upstreams/sagemaker/triton.ts'
import { respondBytes } from './respond.ts'
import { answer, checkTensors, checkTexts, embed, expectKind, referTo } from './served.ts'
import { joinVectors } from './vectors.ts'

/** What may be JSON: `curl -d` and the AWS clients name other types unless they are told. */
const jsonTypes = /^(|[a-z]+\/json|[a-z]+\/[a-z0-9.-]+\+json|application\/octet-stream|application\/x-www-form-urlencoded|text\/plain)$/

/**
 * Runs a model on the request's body and answers in its form: one of those of `readForm`, or an Open Inference Protocol request.
 *
 * @throws SpillwayError `unsupported` (status 415) for another content type; `malformed` for what is no JSON; else as `readForm` and executors.
 */
export async function runInAnyForm(c: EdgeContext, model: ServedModel, limits: Limits): Promise<Response> {
	const told = jsonLengthOf(c.req.header('content-type'))
	const length = told ?? c.req.header(headerLengthName) ?? null
	if (length === null) checkType(c)
	const body = await readBody(c.req.raw, { limit: limits.bodyBytes, remaining: c.get('remaining')() })
	const { inputs, task } = model.interface
	const asked = length === null ? readForm(parseJson(body), { inputs, embeds: task?.kind === 'embed' }) : ({ kind: 'oip' } as const)
	switch (asked.kind) {
		case 'texts': {
			checkTexts(asked.texts, limits)
			const { output } = await embed(c, model, asked.texts, limits)
			return respondText(c, asked.write(joinVectors(output.vectors)))
		}
		case 'tensors':
			return respondText(c, asked.write(await run(c, model, asked.tensors, limits)))
		case 'oip': {
			const { inputs: tensors, id, ...form } = decodeRequest(body, length)
			const outputs = await run(c, model, tensors, limits)
			const { name, version } = model
			const message = encodeResponse({ model: name, version, outputs, ...(id !== undefined && { id }) }, form)
			const jsonLength = message.headers[headerLengthName]
			const type = told !== null && jsonLength !== undefined && { 'content-type': tritonType(jsonLength) }
			return respondBytes(c, message.body, { headers: { ...message.headers, ...type } })
		}
	}
}

async function run(c: EdgeContext, model: ServedModel, tensors: Tensors, limits: Limits): Promise<Tensors> {
	checkTensors(model, tensors)
	const made = await answer(c, model, { kind: 'tensors', model: referTo(c, model), tensors }, limits)
	return expectKind<TensorsOutput>(made, 'tensors').tensors
}

/** What is no JSON by its own words is not guessed at. */
function checkType(c: EdgeContext): void {
	const type = c.req.header('content-type') ?? ''
	if (jsonTypes.test(type.split(';')[0]?.trim().toLowerCase() ?? '')) return
	c.set('status', 415)
	throw new SpillwayError('unsupported', `bodies of the type ${JSON.stringify(type.slice(0, 80))} are not read here; send application/json`)
}

const respondText = (c: EdgeContext, text: string): Response =>
	respondBytes(c, toUtf8(text), { headers: { 'content-type': 'application/json' } })
