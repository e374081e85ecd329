// Medians, quantiles, ranges and ratios of interleaved passes.

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** Between the two values that are nearest, in proportion. */
export const quantile = (values: readonly number[], share: number): number => {
	const sorted = [...values].sort((a, b) => a - b)
	const place = share * (sorted.length - 1)
	const below = sorted[Math.floor(place)] as number
	return below + (place % 1) * ((sorted[Math.ceil(place)] as number) - below)
}

export const range = (values: readonly number[]): string => `${figure(Math.min(...values))}-${figure(Math.max(...values))}`

export const figure = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3))

/** Ratios pair by pair: they stand when the machine's speed drifts between passes. */
export const paired = (values: readonly number[], base: readonly number[]): number[] =>
	values.map((value, pass) => value / (base[pass] as number))

/** Median of the ratios pair by pair. */
export const pairedRatio = (values: readonly number[], base: readonly number[]): number => median(paired(values, base))

/** `median (least-most)`. */
export const spread = (values: readonly number[]): string => `${figure(median(values))} (${range(values)})`

/** A Markdown table. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
	[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** What a line says of the figure that is asked for. */
export const judged = (holds: boolean): string => (holds ? 'holds' : 'DOES NOT HOLD')
