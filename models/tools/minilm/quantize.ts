// Float matrices to int8 with one scale for each column or row.

import { columnMaxima, type Matrix, rowMaxima } from './matrix.ts'

/** int8 weights and their scales: weight = value * scale, of its column or of its row. */
export interface Quantized {
	readonly rows: number
	readonly columns: number
	readonly values: Int8Array
	readonly scales: Float32Array
}

/** Symmetric int8, one scale for each column: for the products' weights. A column of zeros gets the scale 1. */
export function quantizeColumns(weights: Matrix): Quantized {
	return quantize(weights, columnMaxima(weights), (i) => i % weights.columns)
}

/** Symmetric int8, one scale for each row: for tables that rows are looked up in. A row of zeros gets the scale 1. */
export function quantizeRows(table: Matrix): Quantized {
	return quantize(table, rowMaxima(table), (i) => Math.floor(i / table.columns))
}

/**
 * The bias that takes back a constant which was added to every input of a product:
 * `(x + shift) @ w + result = x @ w + bias`, with the weights as quantized.
 *
 * @returns one value for each column
 */
export function unshiftedBias(bias: Float32Array, weights: Quantized, shift: number): Float32Array {
	const sums = new Float64Array(weights.columns)
	weights.values.forEach((value, i) => {
		sums[i % weights.columns] = (sums[i % weights.columns] as number) + value
	})
	return bias.map((value, column) => value - shift * (sums[column] as number) * (weights.scales[column] as number))
}

function quantize({ rows, columns, data }: Matrix, maxima: Float32Array, groupOf: (i: number) => number): Quantized {
	const scales = maxima.map((max) => (max === 0 ? 1 : max / 127))
	// -128 is left out: symmetric weights need no zero point.
	const values = Int8Array.from(data, (value, i) => clamp(Math.round(value / (scales[groupOf(i)] as number))))
	return { rows, columns, values, scales }
}

function clamp(value: number): number {
	return Math.max(-127, Math.min(127, value))
}
