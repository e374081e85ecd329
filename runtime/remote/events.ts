// Server-sent events: what a server says piece by piece, the next piece within a time.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

import { aborted } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'

/** Milliseconds in which a server must say something, unless said otherwise. */
export const defaultStall = 30_000

/** Most UTF-16 code units of a stream: what never ends must not fill the memory. */
const longest = 32 * 1024 * 1024

/** Milliseconds in which a server may end its response after its last event, so that the connection can be used again. */
const goodbye = 1_000

export interface EventsOptions {
	/** Of the server, for errors. */
	readonly name: string
	/** Most milliseconds until the next event; the time that the reader takes between two does not count, and comments are no events. */
	readonly stall: number
	readonly signal: AbortSignal
}

export const stalled = (name: string, stall: number): SpillwayError =>
	new SpillwayError('deadline-exceeded', `${name} has said nothing for ${stall} ms`)

/** Settles like `work`, or rejects after so many milliseconds of silence. */
export function withinStall<T>(work: Promise<T>, left: number, { name, stall }: Pick<EventsOptions, 'name' | 'stall'>): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(stalled(name, stall)), left)
		work.then(resolve, reject).finally(() => clearTimeout(timer))
	})
}

/**
 * The data of each event, in order, until the server ends its response. Who stops reading before lets go of the connection.
 *
 * @throws SpillwayError `network` when the connection breaks, `deadline-exceeded` when nothing comes for so long, `aborted`, `upstream` when the
 *   stream is endless.
 * @example for await (const data of eventsOf(response.body, { name: "vllm", stall: 30_000, signal })) console.log(JSON.parse(data))
 */
export async function* eventsOf(body: ReadableStream<Uint8Array>, options: EventsOptions): AsyncGenerator<string> {
	const { name, stall, signal } = options
	const reader = body.getReader()
	// Whether the platform's own signal ends a read that waits is its own affair.
	const leave = () => void reader.cancel(signal.reason).catch(() => {})
	signal.addEventListener('abort', leave, { once: true })
	const decoder = new TextDecoder()
	const events = parser()
	let length = 0
	let heard = performance.now()
	let ended = false
	try {
		while (!ended) {
			const left = Math.max(0, heard + stall - performance.now())
			const { done, value } = await withinStall(reader.read(), left, options).catch((error) => {
				if (error instanceof SpillwayError) throw error
				throw new SpillwayError('network', `${name}: the answer broke off: ${messageOf(error)}`, { cause: error })
			})
			if (signal.aborted) throw aborted(signal)
			ended = done
			const text = decoder.decode(value, { stream: !done })
			length += text.length
			if (length > longest) throw new SpillwayError('upstream', `${name} answers without end`)
			for (const data of events(text)) {
				yield data
				heard = performance.now()
			}
		}
	} catch (error) {
		leave()
		ended = true
		throw error
	} finally {
		signal.removeEventListener('abort', leave)
		if (!ended) finish(reader)
	}
}

/** Waits a moment for the end, so that the connection can be used again; else gives it up. */
function finish(reader: ReadableStreamDefaultReader<Uint8Array>): void {
	const leave = () => void reader.cancel().catch(() => {})
	withinStall(reader.read(), goodbye, { name: '', stall: goodbye }).then(({ done }) => {
		if (!done) leave()
	}, leave)
}

/** Takes text as it comes, and gives the data of the events that it completes. */
function parser(): (text: string) => string[] {
	let rest = ''
	let data: string[] = []
	return (text) => {
		rest += text
		// A line that comes in many pieces is looked at once.
		if (!/[\r\n]/.test(text)) return []
		// A CR at the end may be half of a line's end.
		const end = rest.endsWith('\r') ? rest.length - 1 : rest.length
		const lines = rest.slice(0, end).split(/\r\n|\n|\r/)
		rest = (lines.pop() ?? '') + rest.slice(end)
		const complete: string[] = []
		for (const line of lines) {
			if (line === '') {
				if (data.length > 0) complete.push(data.join('\n'))
				data = []
			} else if (line === 'data' || line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
		}
		return complete
	}
}
