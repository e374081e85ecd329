// Counts the bytes of a response's body.

/**
 * Tells the size at once where the response says it, else once the body has been sent or given up.
 * @returns the response to send.
 */
export function countBody(response: Response, done: (bytes: number) => void): Response {
	// Before the body is looked at, which Node's adapter then makes a stream of.
	const announced = response.headers.get('content-length')
	if (announced !== null) {
		done(Number(announced))
		return response
	}
	if (!response.body) return response
	let sent = 0
	const reader = response.body.getReader()
	const counted = new ReadableStream<Uint8Array>({
		async pull(controller) {
			const { done: ended, value } = await reader.read()
			if (ended) {
				done(sent)
				controller.close()
				return
			}
			sent += value.byteLength
			controller.enqueue(value)
		},
		cancel(reason) {
			done(sent)
			return reader.cancel(reason)
		},
	})
	return new Response(counted, response)
}
