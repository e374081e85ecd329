// Medians, ranges and ratios of interleaved passes.

export const median = (values: readonly number[]): number => {
	const sorted = [...values].sort((a, b) => a - b)
	const middle = sorted.length >> 1
	return sorted.length % 2 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

export const range = (values: readonly number[]): string => `${figure(Math.min(...values))}-${figure(Math.max(...values))}`

export const figure = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3))

/** Median of the ratios pair by pair: what stands when the machine's speed drifts between passes. */
export const pairedRatio = (values: readonly number[], base: readonly number[]): number =>
	median(values.map((value, pass) => value / (base[pass] as number)))
