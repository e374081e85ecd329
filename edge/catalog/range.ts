// The Range header of a request, as far as it can be answered with one piece (RFC 9110, 14).

/** Bytes from `start`, up to but not including `end`. */
export interface ByteRange {
	readonly start: number
	readonly end: number
}

/**
 * Reads a `Range` header against a file of `size` bytes.
 *
 * @returns the one piece that was asked for; `'all'` where the header is to be ignored: absent, malformed, of another unit, or for several
 *   pieces of which one at least exists (a server may answer those with the whole file); `'none'` (status 416) when no byte of it exists.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 * @example readRange('bytes=-500', 2000) // { start: 1500, end: 2000 }
 */
export function readRange(header: string | null, size: number): ByteRange | 'all' | 'none' {
	const list = header === null ? undefined : /^bytes=(.+)$/i.exec(header.trim())?.[1]
	if (list === undefined) return 'all'
	const specs = list
		.split(',')
		.map((spec) => spec.trim())
		.filter((spec) => spec !== '')
	const ranges: ByteRange[] = []
	for (const spec of specs) {
		const [, first = '', last = ''] = /^(\d{0,15})-(\d{0,15})$/.exec(spec) ?? []
		if (first === '' && last === '') return 'all'
		if (first !== '' && last !== '' && Number(last) < Number(first)) return 'all'
		const range =
			first === ''
				? { start: Math.max(0, size - Number(last)), end: size }
				: { start: Number(first), end: last === '' ? size : Math.min(Number(last) + 1, size) }
		if (range.start < range.end) ranges.push(range)
	}
	if (specs.length === 0) return 'all'
	const [only] = ranges
	if (!only) return 'none'
	return specs.length === 1 ? only : 'all'
}
