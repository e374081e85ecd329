// Figures as people read them.

const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en-GB', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** `24 ms`, `3.2 s`; below 10 ms with a tenth. */
export function time(milliseconds: number): string {
	if (milliseconds >= 1000) return `${tenths.format(milliseconds / 1000)} s`
	return `${(milliseconds < 10 ? tenths : whole).format(milliseconds)} ms`
}

/** `12 s`. */
export const seconds = (milliseconds: number): string => `${whole.format(milliseconds / 1000)} s`

/** `10.2`, in millions of bytes. */
export const megabytes = (bytes: number): string => tenths.format(bytes / 1e6)

/** A cosine as `0.72`. */
export const score = (cosine: number): string => cosine.toFixed(2)
