// Float matrices, as far as quantization needs them.

/** A row-major matrix. */
export interface Matrix {
	readonly rows: number
	readonly columns: number
	readonly data: Float32Array
}

/**
 * A matrix over `data`.
 *
 * @throws {RangeError} if the sizes do not fit the data
 */
export function matrix(rows: number, columns: number, data: Float32Array): Matrix {
	if (rows * columns !== data.length) throw new RangeError(`${rows} x ${columns} does not fit ${data.length} elements`)
	return { rows, columns, data }
}

/** Each row times its factor; `factors` has one for each row. */
export function scaleRows(of: Matrix, factors: ArrayLike<number>): Matrix {
	return { ...of, data: of.data.map((value, i) => value * (factors[Math.floor(i / of.columns)] as number)) }
}

/** Each column times its factor; `factors` has one for each column. */
export function scaleColumns(of: Matrix, factors: ArrayLike<number>): Matrix {
	return { ...of, data: of.data.map((value, i) => value * (factors[i % of.columns] as number)) }
}

/**
 * Matrices of the same height side by side.
 *
 * @throws {RangeError} if the heights differ
 */
export function concatColumns(parts: readonly Matrix[]): Matrix {
	const rows = parts[0]?.rows ?? 0
	if (parts.some((part) => part.rows !== rows)) throw new RangeError('matrices side by side need the same number of rows')
	const columns = parts.reduce((sum, part) => sum + part.columns, 0)
	const data = new Float32Array(rows * columns)
	let left = 0
	for (const part of parts) {
		for (let row = 0; row < rows; row++) {
			data.set(part.data.subarray(row * part.columns, (row + 1) * part.columns), row * columns + left)
		}
		left += part.columns
	}
	return { rows, columns, data }
}

/** Largest magnitude in each row. */
export function rowMaxima(of: Matrix): Float32Array {
	const maxima = new Float32Array(of.rows)
	of.data.forEach((value, i) => {
		const row = Math.floor(i / of.columns)
		maxima[row] = Math.max(maxima[row] as number, Math.abs(value))
	})
	return maxima
}

/** Largest magnitude in each column. */
export function columnMaxima(of: Matrix): Float32Array {
	const maxima = new Float32Array(of.columns)
	of.data.forEach((value, i) => {
		const column = i % of.columns
		maxima[column] = Math.max(maxima[column] as number, Math.abs(value))
	})
	return maxima
}
