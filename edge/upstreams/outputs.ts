// Whether an upstream's answer is what the manifest promises: a wrong answer must not look like a right one.

import type { Manifest } from '../../models/format/manifest.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Tensor, Tensors } from '../../runtime/core/tensor.ts'
import type { AxisSizes } from '../../runtime/session/inputs.ts'

/**
 * Checks names, datatypes, shapes (the named axes have the sizes of the call's inputs) and that floats are numbers.
 *
 * @param upstream who answered, for the message.
 * @throws SpillwayError `upstream`.
 */
export function checkOutputs(upstream: string, { outputs }: Pick<Manifest, 'outputs'>, sizes: AxisSizes, tensors: Tensors): void {
	const wrong = (why: string) => new SpillwayError('upstream', `${upstream} answered wrongly: ${why}`)
	for (const { name, datatype, shape } of outputs) {
		const given = Object.hasOwn(tensors, name) ? tensors[name] : undefined
		if (!given) throw wrong(`output ${JSON.stringify(name)} is missing`)
		const expected = shape.map((size) => (typeof size === 'number' ? size : (sizes.get(size) ?? null)))
		const fits = given.shape.length === shape.length && expected.every((size, axis) => size === null || size === given.shape[axis])
		if (given.datatype !== datatype || !fits)
			throw wrong(
				`output ${JSON.stringify(name)} is ${given.datatype} [${given.shape}], must be ${datatype} [${expected.map((size) => size ?? '?')}]`,
			)
		if (!allFinite(given)) {
			const error = wrong(`output ${JSON.stringify(name)} holds NaN or infinity`)
			aboutNumbers.add(error)
			throw error
		}
	}
}

const aboutNumbers = new WeakSet<object>()

/** Whether an error, or what caused it, is that an answer holds NaN or infinity: of several rows that may come of one. */
export function isAboutNumbers(error: unknown): boolean {
	for (let cause = error; cause instanceof Error; cause = cause.cause) if (aboutNumbers.has(cause)) return true
	return false
}

/** The bits of the exponent, all of which are set in NaN and the infinities: what travels as raw words has no numbers to look at. */
const exponents: Partial<Record<Tensor['datatype'], number>> = { FP16: 0x7c00, BF16: 0x7f80 }

function allFinite({ datatype, data }: Tensor): boolean {
	if (datatype === 'FP32' || datatype === 'FP64') return (data as Float32Array).every(Number.isFinite)
	const exponent = exponents[datatype]
	return exponent === undefined || (data as Uint16Array).every((word) => (word & exponent) !== exponent)
}
