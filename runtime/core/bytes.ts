// Bytes that come in parts, put together within a bound.

/** @param length of all parts together. */
export function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
	const whole = new Uint8Array(length)
	let offset = 0
	for (const part of parts) {
		whole.set(part, offset)
		offset += part.length
	}
	return whole
}

/**
 * Reads a stream to its end; at the bound it stops, and lets go of it.
 *
 * @param most bytes.
 * @param tooMuch makes the error when there are more.
 * @throws what the stream's read throws; what `tooMuch` makes.
 */
export async function collect(stream: ReadableStream<Uint8Array>, most: number, tooMuch: () => Error): Promise<Uint8Array<ArrayBuffer>> {
	const parts: Uint8Array[] = []
	let length = 0
	const reader = stream.getReader()
	for (let part = await reader.read(); !part.done; part = await reader.read()) {
		length += part.value.length
		if (length > most) {
			const error = tooMuch()
			// Not awaited: cancelling may itself wait for the other side.
			reader.cancel(error).catch(() => {})
			throw error
		}
		parts.push(part.value)
	}
	return joined(parts, length)
}
