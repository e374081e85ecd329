// Bytes over HTTP: bounded retries with growing pauses, nothing that hangs, every failure as one typed error.

import { aborted } from '../core/deadline.ts'
import { type ErrorCode, messageOf, SpillwayError } from '../core/error.ts'

export interface Patience {
	/** Tries after the first one that failed for a reason that may pass. */
	retries: number
	/** Milliseconds without a byte after which a try is given up. */
	stall: number
}

/** Default when there is nothing else to go on with. */
export const patient: Patience = { retries: 3, stall: 15_000 }

/** When a stored version stands ready: the network gets one short chance. */
export const hasty: Patience = { retries: 0, stall: 5_000 }

export interface Fetched {
	bytes: Uint8Array<ArrayBuffer>
	/** What the server says it is, for messages. */
	type: string
}

export interface FetchOptions {
	/** What is fetched, for messages: `chunk 3 of weights.bin`. */
	what: string
	signal: AbortSignal
	patience?: Patience
	/** `reload` goes past the HTTP cache, `no-cache` revalidates. Default: `default`. */
	cache?: RequestCache
}

/** Milliseconds before the second try; doubled for each further one, half of it left to chance. */
const firstPause = 300

/** A longer `Retry-After` is not waited for. */
const longestPause = 30_000

/**
 * @throws SpillwayError `not-found`, `unauthenticated`, `forbidden`; after the last try `network`, `upstream`, `rate-limited`; `aborted`.
 */
export async function fetchBytes(url: URL, { what, signal, patience = patient, cache = 'default' }: FetchOptions): Promise<Fetched> {
	for (let attempt = 0; ; attempt++) {
		try {
			return await fetchOnce(url, what, signal, patience.stall, cache)
		} catch (error) {
			if (signal.aborted) throw aborted(signal)
			if (!(error instanceof Passing) || attempt >= patience.retries) throw error instanceof Passing ? error.error : error
			const pause = error.error.retryAfter ?? firstPause * 2 ** attempt * (0.5 + Math.random() / 2)
			if (pause > longestPause) throw error.error
			await wait(pause, signal)
		}
	}
}

/** A failure that another try may not meet. */
class Passing {
	readonly error: SpillwayError
	constructor(code: ErrorCode, message: string, options: ConstructorParameters<typeof SpillwayError>[2] = {}) {
		this.error = new SpillwayError(code, message, options)
	}
}

async function fetchOnce(url: URL, what: string, signal: AbortSignal, stall: number, cache: RequestCache): Promise<Fetched> {
	const stalled = new AbortController()
	let timer = setTimeout(() => stalled.abort(), stall)
	try {
		const response = await fetch(url, { signal: AbortSignal.any([signal, stalled.signal]), cache, credentials: 'omit' })
		if (!response.ok) throw refused(response, what, url)
		const parts: Uint8Array[] = []
		const reader = response.body?.getReader()
		for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
			clearTimeout(timer)
			timer = setTimeout(() => stalled.abort(), stall)
			parts.push(part.value)
		}
		return { bytes: join(parts), type: response.headers.get('content-type') ?? 'no type' }
	} catch (cause) {
		if (cause instanceof Passing || cause instanceof SpillwayError) throw cause
		const why = stalled.signal.aborted ? `nothing came for ${stall} ms` : `${messageOf(cause)} (offline, broken off, or refused by CORS)`
		throw new Passing('network', `${what} cannot be fetched from ${url}: ${why}`, { cause })
	} finally {
		clearTimeout(timer)
	}
}

function refused(response: Response, what: string, url: URL): Passing | SpillwayError {
	const { status } = response
	const message = `${what}: ${url} answered ${status}`
	if (status === 404 || status === 410) return new SpillwayError('not-found', message)
	if (status === 401) return new SpillwayError('unauthenticated', message)
	if (status === 403) return new SpillwayError('forbidden', message)
	const after = retryAfter(response.headers.get('retry-after'))
	const options = after === undefined ? {} : { retryAfter: after }
	if (status === 429) return new Passing('rate-limited', message, options)
	if (status >= 500 || status === 408) return new Passing('upstream', message, options)
	return new SpillwayError('upstream', message)
}

/** Milliseconds of a `Retry-After` header: seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | null): number | undefined {
	if (header === null) return undefined
	const time = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
	return Number.isNaN(time) ? undefined : Math.max(0, time)
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
	const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0))
	let offset = 0
	for (const part of parts) {
		whole.set(part, offset)
		offset += part.length
	}
	return whole
}

function wait(time: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		const stop = () => {
			clearTimeout(timer)
			reject(aborted(signal))
		}
		const timer = setTimeout(() => {
			signal.removeEventListener('abort', stop)
			resolve()
		}, time)
		signal.addEventListener('abort', stop, { once: true })
	})
}
