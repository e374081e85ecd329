// What a client still sends when its answer is already known. To cancel the stream would close the connection on Node: the client would see a
// reset in the place of the refusal, or with its next request. So it is read, for a while, as nginx's `lingering_close` does.

/** Milliseconds. */
const most = 500
const mostBytes = 64 * 1024 * 1024

/** Reads and forgets what still comes, for half a second and 64 MiB at most, then cancels. Never throws; need not be waited for. */
export async function discard(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
	const stop = () => reader.cancel().catch(() => {})
	const timer = setTimeout(stop, most)
	try {
		let length = 0
		for (let part = await reader.read(); !part.done && length <= mostBytes; part = await reader.read()) length += part.value.byteLength
	} catch {
		// The client has left; or, on workerd, a read is under way already.
	} finally {
		clearTimeout(timer)
		await stop()
	}
}

/** The same bytes; when that is cancelled, the rest is discarded. */
export function unbroken(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
	const reader = stream.getReader()
	return new ReadableStream(
		{
			async pull(controller) {
				const { done, value } = await reader.read()
				if (done) controller.close()
				else controller.enqueue(value as Uint8Array<ArrayBuffer>)
			},
			cancel() {
				discard(reader)
			},
		},
		// Nothing is read ahead that cancelling would have to wait for.
		{ highWaterMark: 0 },
	)
}
