// A response that is sent event by event, no faster than the client reads.
// https://html.spec.whatwg.org/multipage/server-sent-events.html

/** Bytes that may wait for the client. */
const ahead = 16 * 1024

export interface EventStream {
	readonly body: ReadableStream<Uint8Array>
	/** Aborts when the client has left. */
	readonly left: AbortSignal
	/** Sends the data of one event: a single line. Resolves when the next one may come. */
	send(data: string): Promise<void>
	/**
	 * Sends the data of a last event, which is an error. It has a name, for azure-ai-inference takes no line but `data: …`: it would pass over an error
	 * that it does not know, and take what comes then for the end of a whole answer.
	 */
	fail(data: string): void
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
	const write = (lines: string) => controller.enqueue(encoder.encode(`${lines}\n\n`))
	const end = () => {
		if (over) return
		over = true
		controller.close()
		release()
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
			write(`data: ${data}`)
			if ((controller.desiredSize ?? 0) > 0) return
			await new Promise<void>((resolve) => {
				waiting.push(resolve)
			})
		},
		fail(data) {
			if (!over) write(`event: error\ndata: ${data}`)
			end()
		},
		end,
	}
}
