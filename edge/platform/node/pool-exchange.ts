// One request of the pool: what undici tells of it as the part of a `Response` that is used, without the streams that one is made of.

import type { Dispatcher } from 'undici'
import type { Answered, ReadHeaders } from '../../../runtime/remote/exchange.ts'

/** Bytes that are taken in before somebody wants them. */
const ahead = 64 * 1024

/** Who reads the body. */
interface Reader {
	data(chunk: Uint8Array): void
	end(): void
	fail(error: unknown): void
}

const nothing = () => {}

const nobody: Reader = { data: nothing, end: nothing, fail: nothing }

/** The handler of a request, and its response once there is one. */
export class Exchange implements Dispatcher.DispatchHandler, Answered {
	#answered: (response: Answered) => void
	#failed: (error: unknown) => void
	#signal: AbortSignal | undefined
	#controller: Dispatcher.DispatchController | undefined
	#aborted: (() => void) | undefined
	#status = 0
	#given: Record<string, string | string[] | undefined> = {}
	/** What came before there was a reader. */
	#early: Uint8Array[] = []
	#earlyBytes = 0
	#ended = false
	#error: { readonly cause: unknown } | undefined
	#reader: Reader | undefined
	#stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined

	/**
	 * @param answered gets the response when its head is there.
	 * @param failed gets what happens before that.
	 */
	constructor(answered: (response: Answered) => void, failed: (error: unknown) => void, signal: AbortSignal | undefined) {
		this.#answered = answered
		this.#failed = failed
		this.#signal = signal
		if (!signal) return
		this.#aborted = () => {
			if (this.#controller) this.#controller.abort(signal.reason)
			else failed(signal.reason)
		}
		signal.addEventListener('abort', this.#aborted, { once: true })
	}

	onRequestStart(controller: Dispatcher.DispatchController): void {
		this.#controller = controller
		// It may have waited for a connection.
		if (this.#signal?.aborted) controller.abort(this.#signal.reason)
	}

	onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
		// 1xx: the answer is still to come.
		if (status < 200) return
		this.#status = status
		this.#given = headers
		this.#answered(this)
	}

	onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
		// The parser says so when it goes on after a pause; who reads on at once would turn in circles.
		if (chunk.byteLength === 0) return
		if (this.#reader) {
			this.#reader.data(chunk)
			return
		}
		this.#early.push(chunk)
		this.#earlyBytes += chunk.byteLength
		if (this.#earlyBytes > ahead) controller.pause()
	}

	onResponseEnd(): void {
		const { reader } = this.#over()
		this.#ended = true
		reader?.end()
	}

	onResponseError(_: unknown, cause: Error): void {
		const { reader, failed } = this.#over()
		this.#error = { cause }
		if (this.#status === 0) failed(cause)
		else reader?.fail(cause)
	}

	/**
	 * Lets go of all that the call is made of, which undici's objects would keep in memory until the next full garbage collection.
	 * @returns who is to be told.
	 */
	#over() {
		if (this.#aborted) this.#signal?.removeEventListener('abort', this.#aborted)
		const told = { reader: this.#reader, failed: this.#failed }
		this.#aborted = this.#signal = this.#controller = undefined
		this.#answered = this.#failed = nothing
		if (this.#reader) this.#reader = nobody
		return told
	}

	get status(): number {
		return this.#status
	}

	get ok(): boolean {
		return this.#status < 300
	}

	/** Not `Headers`: to make them costs more than the two or three looks at them. */
	get headers(): ReadHeaders {
		return this
	}

	/** A header; one that came several times with its values in one, as that of `Headers`. */
	get(name: string): string | null {
		const value = this.#given[name.toLowerCase()]
		return (Array.isArray(value) ? value.join(', ') : value)?.trim() ?? null
	}

	/** The whole body. @throws what ended it too early. */
	arrayBuffer(): Promise<ArrayBuffer> {
		return new Promise((resolve, reject) => {
			const parts: Uint8Array[] = []
			this.#read({ data: (chunk) => parts.push(chunk), end: () => resolve(joined(parts)), fail: reject })
		})
	}

	async text(): Promise<string> {
		return new TextDecoder().decode(await this.arrayBuffer())
	}

	async json(): Promise<unknown> {
		return JSON.parse(await this.text())
	}

	/** The body as it comes, no faster than it is read; cancelling it ends the request. */
	get body(): ReadableStream<Uint8Array<ArrayBuffer>> {
		this.#stream ??= new ReadableStream<Uint8Array<ArrayBuffer>>({
			start: (stream) =>
				this.#read({
					data: (chunk) => {
						stream.enqueue(chunk as Uint8Array<ArrayBuffer>)
						if ((stream.desiredSize ?? 0) <= 0) this.#controller?.pause()
					},
					end: () => stream.close(),
					fail: (error) => stream.error(error),
				}),
			pull: () => this.#controller?.resume(),
			cancel: () => {
				this.#reader = nobody
				if (!this.#ended) this.#controller?.abort(new DOMException('the response was not wanted any more', 'AbortError'))
			},
		})
		return this.#stream
	}

	#read(reader: Reader): void {
		if (this.#reader) throw new TypeError('the body has been read already')
		this.#reader = reader
		for (const chunk of this.#early) reader.data(chunk)
		this.#early = []
		if (this.#error) reader.fail(this.#error.cause)
		else if (this.#ended) reader.end()
		else this.#controller?.resume()
	}
}

/** In memory of its own. */
function joined(parts: readonly Uint8Array[]): ArrayBuffer {
	const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
	let at = 0
	for (const part of parts) {
		whole.set(part, at)
		at += part.byteLength
	}
	return whole.buffer
}
