// How far two answers to the same call are from each other.

import type { Output } from '../../runtime/core/call.ts'
import { elements, type Tensor, type Tensors } from '../../runtime/core/tensor.ts'

/** How far an answer may be from another one. */
export interface Bounds {
	readonly cosine?: number | undefined
	readonly absolute?: number | undefined
}

export interface Difference {
	readonly same: boolean
	/** Smallest cosine between two rows of floats; null where there are none. */
	readonly cosine: number | null
	/** Largest absolute difference of two elements; null where they cannot be set side by side. */
	readonly absolute: number | null
	/** What differs, for people; absent when they are the same. */
	readonly detail?: string
}

/**
 * Compares two answers. Floats may differ within the bounds; names, datatypes, shapes and all else must be equal.
 *
 * @param bounds each that is given must hold; without any, floats must be equal, too.
 */
export function compare(given: Output, other: Output, bounds: Bounds): Difference {
	if (given.kind === 'embed' && other.kind === 'embed') return compareRows(given.vectors, other.vectors, bounds)
	if (given.kind === 'tensors' && other.kind === 'tensors') return compareTensors(given.tensors, other.tensors, bounds)
	return different(`the one answered with ${given.kind}, the other with ${other.kind}`)
}

const different = (detail: string): Difference => ({ same: false, cosine: null, absolute: null, detail })

function compareTensors(given: Tensors, others: Tensors, bounds: Bounds): Difference {
	const found: Difference[] = []
	for (const [name, one] of Object.entries(given)) {
		const other = Object.hasOwn(others, name) ? others[name] : undefined
		const form = (tensor: Tensor | undefined) => (tensor ? `${tensor.datatype} [${tensor.shape}]` : 'missing')
		if (!other || form(one) !== form(other)) return different(`${name} is ${form(one)}, and ${form(other)}`)
		const isFloat = one.data instanceof Float32Array || one.data instanceof Float64Array
		found.push(isFloat ? compareRows(rowsOf(one), rowsOf(other), bounds, `${name}: `) : compareExactly(name, one, other))
	}
	return {
		same: found.every(({ same }) => same),
		cosine: least(found.map(({ cosine }) => cosine)),
		absolute: Math.max(0, ...found.map(({ absolute }) => absolute ?? 0)),
		...detailOf(found),
	}
}

const detailOf = (found: readonly Difference[]): { detail?: string } => {
	const { detail } = found.find(({ same }) => !same) ?? {}
	return detail === undefined ? {} : { detail }
}

const least = (cosines: readonly (number | null)[]): number | null => {
	const known = cosines.filter((cosine) => cosine !== null)
	return known.length > 0 ? Math.min(...known) : null
}

/** Cut at the first axis. */
function rowsOf({ shape, data }: Tensor): ArrayLike<number>[] {
	const rows = shape[0] ?? 1
	const length = rows > 0 ? elements(shape) / rows : 0
	const values = data as Float32Array
	return Array.from({ length: rows }, (_, row) => values.subarray(row * length, (row + 1) * length))
}

function compareRows(given: readonly ArrayLike<number>[], others: readonly ArrayLike<number>[], bounds: Bounds, what = ''): Difference {
	const [one, other] = [given[0]?.length ?? 0, others[0]?.length ?? 0]
	if (given.length !== others.length || one !== other)
		return different(`${what}[${given.length}, ${one}], and [${others.length}, ${other}]`)
	let cosine: number | null = null
	let absolute = 0
	for (const [row, values] of given.entries()) {
		const [angle, apart] = rowApart(values, others[row] as ArrayLike<number>)
		if (angle !== null) cosine = Math.min(cosine ?? 1, angle)
		// What is no number is as far away as can be.
		absolute = Math.max(absolute, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart)
	}
	const { cosine: leastCosine, absolute: mostAbsolute } = bounds
	const none = leastCosine === undefined && mostAbsolute === undefined
	const same =
		Number.isFinite(absolute) &&
		(none ? absolute === 0 : true) &&
		(leastCosine === undefined || cosine === null || cosine >= leastCosine) &&
		(mostAbsolute === undefined || absolute <= mostAbsolute)
	const detail = `${what}cosine ${cosine?.toFixed(6) ?? 'none'}, largest difference ${absolute.toPrecision(3)}`
	return { same, cosine, absolute: Number.isFinite(absolute) ? absolute : null, ...(!same && { detail }) }
}

/** Cosine (null where one has no direction) and largest difference. */
function rowApart(a: ArrayLike<number>, b: ArrayLike<number>): [number | null, number] {
	let [dot, aa, bb, apart] = [0, 0, 0, 0]
	for (let i = 0; i < a.length; i++) {
		const [x, y] = [a[i] as number, b[i] as number]
		dot += x * y
		aa += x * x
		bb += y * y
		const distance = Math.abs(x - y)
		if (!(distance <= apart)) apart = distance
	}
	return [aa > 0 && bb > 0 ? Math.min(1, dot / Math.sqrt(aa * bb)) : null, apart]
}

function compareExactly(name: string, one: Tensor, other: Tensor): Difference {
	const at = Array.prototype.findIndex.call(one.data, (value, index) => value !== other.data[index])
	if (at < 0) return { same: true, cosine: null, absolute: 0 }
	const absolute = Math.abs(Number(one.data[at]) - Number(other.data[at]))
	return { same: false, cosine: null, absolute, detail: `${name}[${at}] is ${one.data[at]}, and ${other.data[at]}` }
}
