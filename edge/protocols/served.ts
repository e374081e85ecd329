// From a name in a request to a model, and from a call to its answer: what all protocols do in between.

import type { Answer, Call, EmbedOutput, ModelRef, Output } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Tensors } from '../../runtime/core/tensor.ts'
import { checkInputs } from '../../runtime/session/inputs.ts'
import type { Limits } from '../config/schema.ts'
import type { EdgeContext } from '../env.ts'
import { callContextOf } from '../guard/context.ts'
import type { Models, ServedModel } from '../parts.ts'
import type { Asker } from '../versions/choose.ts'
import { tellProvenance, tellRetries } from './answer.ts'

/** Models that an error lists. */
const mostListed = 20

/** Characters of a name that no one here knows, in an error: over gRPC that is a header. */
const longestName = 80

/**
 * The model that a request names.
 *
 * @param version a version, a range or a label. Default: as the model's routing chooses.
 * @param asker what the routing may go by.
 * @throws SpillwayError `not-found`, listing what there is.
 */
export async function findModel(models: Models, name: string, version?: string, asker?: Asker): Promise<ServedModel> {
	const found = await models.get(name, version, asker)
	if (found) return found
	const other = version === undefined ? undefined : await models.get(name)
	if (other)
		throw new SpillwayError(
			'not-found',
			`version "${version?.slice(0, longestName)}" of model "${name}" is not served here; there is: ${other.version}`,
		)
	const { names } = models
	const more = names.length > mostListed ? `, and ${names.length - mostListed} more` : ''
	throw new SpillwayError(
		'not-found',
		`model "${name.slice(0, longestName)}" is not served here; there is: ${names.slice(0, mostListed).join(', ') || 'none'}${more}`,
	)
}

/**
 * The reference for a call, with the vector space that the answer must be in, if the caller says one (in the body or `Spillway-Space`).
 * @throws SpillwayError `unsupported` (status 409) when no variant of the model has that space.
 */
export function referTo(c: EdgeContext, model: ServedModel, spaceInBody?: string): ModelRef {
	const { name, version, spaces } = model
	const space = spaceInBody ?? c.req.header('spillway-space')
	if (space === undefined) return { name, version }
	if (!spaces.includes(space)) {
		c.set('status', 409)
		throw new SpillwayError(
			'unsupported',
			`space "${space.slice(0, 200)}" is not served here; this edge answers in ${spaces.join(', ') || 'none'}`,
		)
	}
	return { name, version, space }
}

/**
 * Has the call answered, and writes its provenance into the response's headers.
 * @throws SpillwayError as the executor does; `unsupported` becomes status 409 when a space was asked for.
 */
export async function answer(c: EdgeContext, model: ServedModel, call: Call, limits: Limits): Promise<Answer> {
	c.set('served', model)
	const context = callContextOf(c, limits)
	const { left } = context.retries
	try {
		const made = await model.executor.infer(call, context)
		tellProvenance(c, made.ran)
		return made
	} catch (error) {
		if (call.model.space !== undefined && error instanceof SpillwayError && error.code === 'unsupported') c.set('status', 409)
		throw error
	} finally {
		tellRetries(c, limits, left - context.retries.left)
	}
}

/**
 * Checks the tensors of a call, where the model's interface tells what they must be.
 * @throws SpillwayError `invalid-input` that names the input and says what is expected.
 */
export function checkTensors({ interface: { inputs, axes } }: ServedModel, tensors: Tensors): void {
	if (inputs) checkInputs({ inputs, axes }, tensors)
}

/**
 * Whether every model answers now.
 * @param hops behind the request that asks.
 */
export async function allReady(models: Models, hops: number): Promise<boolean> {
	const served = await models.list()
	return served.length > 0 && (await Promise.all(served.map((model) => model.ready(hops)))).every(Boolean)
}

/** Vectors for texts; the texts are within the limits. */
export async function embed(c: EdgeContext, model: ServedModel, input: readonly string[], limits: Limits, space?: string) {
	if (model.interface.task?.kind !== 'embed') {
		const takes = model.interface.task
			? `is for the task "${model.interface.task.kind}"`
			: `takes tensors only, by POST /v2/models/${model.name}/infer`
		throw new SpillwayError('unsupported', `model "${model.name}" ${takes}`)
	}
	const made = await answer(c, model, { kind: 'task', model: referTo(c, model, space), task: 'embed', input }, limits)
	return { output: expectKind<EmbedOutput>(made, 'embed'), ran: made.ran }
}

/** The output, which is of the kind that the call asked for. */
export function expectKind<Kind extends Output>(made: Answer, kind: Kind['kind']): Kind {
	if (made.output.kind !== kind) throw new SpillwayError('internal', `${made.ran.executor} answered with ${made.output.kind}, not ${kind}`)
	return made.output as Kind
}

/**
 * Checks number and length of texts.
 * @throws SpillwayError `too-large`.
 */
export function checkTexts(texts: readonly string[], limits: Limits): void {
	if (texts.length > limits.textsPerCall)
		throw new SpillwayError('too-large', `${texts.length} texts in one call; the limit is ${limits.textsPerCall}`)
	const long = texts.findIndex((text) => text.length > limits.charactersPerText)
	if (long >= 0)
		throw new SpillwayError('too-large', `text ${long} has ${texts[long]?.length} characters; the limit is ${limits.charactersPerText}`)
}
