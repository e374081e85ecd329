// A response that is sent event by event, no faster than the client reads.
// https://html.spec.whatwg.org/multipage/server-sent-events.html

/** Bytes that may wait for the client. */
const ahead = 16 * 1024

export interface EventStream {
	readonly body: ReadableStream<Uint8Array>
	/** Aborts when the client has left. */
	readonly left: AbortSignal
	/**
	 * Sends the data of one event: a single line. Resolves when the next one may come.
	 * Lines of other kinds (comments, `event:`) are none that all clients can read: azure-ai-inference takes `data: ` alone.
	 */
	send(data: string): Promise<void>
	/** No more after what was sent; does not wait for the client. */
	end(): void
}

export function eventStream(): EventStream {
	const leaving = new AbortController()
	const encoder = new TextEncoder()
	let controller!: ReadableStreamDefaultController<Uint8Array>
	let over = false
	let waiting: (() => void)[] = []
	const release = () => {
		for (const go of waiting) go()
		waiting = []
	}
	const body = new ReadableStream<Uint8Array>(
		{
			start(made) {
				controller = made
			},
			pull: release,
			cancel(reason) {
				over = true
				leaving.abort(reason)
				release()
			},
		},
		new ByteLengthQueuingStrategy({ highWaterMark: ahead }),
	)
	return {
		body,
		left: leaving.signal,
		async send(data) {
			if (over) return
			controller.enqueue(encoder.encode(`data: ${data}\n\n`))
			if ((controller.desiredSize ?? 0) > 0) return
			await new Promise<void>((resolve) => {
				waiting.push(resolve)
			})
		},
		end() {
			if (over) return
			over = true
			controller.close()
			release()
		},
	}
}
