// One try to get bytes over HTTP: nothing that hangs, nothing without end, every failure as one typed error.

import { joined } from '../core/bytes.ts'
import { messageOf, SpillwayError } from '../core/error.ts'

export interface Fetched {
	bytes: Uint8Array<ArrayBuffer>
	/** What the server says it is, for messages. */
	type: string
}

export interface TryOptions {
	/** What is fetched, for messages: `chunk 3 of weights.bin`. */
	what: string
	signal: AbortSignal
	/** Milliseconds in which something must come: at least `least` bytes. */
	stall: number
	/** Bytes that it must have, where known; reading ends when there are more. */
	size?: number | undefined
	/** Bytes that it may have where `size` is not known. Default: 32 MiB. */
	most?: number | undefined
	/** `reload` goes past the HTTP cache, `no-cache` revalidates. */
	cache: RequestCache
	/** Told of each part that arrives, not verified yet. */
	onBytes?: ((bytes: number) => void) | undefined
	/** Told of each answer before it is read, for who wants to read a clone of it meanwhile. */
	onResponse?: ((response: Response) => void) | undefined
}

/** A failure that another try may not meet. */
export class Passing {
	readonly error: SpillwayError
	/** Bytes were coming when it broke off. */
	readonly late: boolean
	constructor(error: SpillwayError, late = false) {
		this.error = error
		this.late = late
	}
}

/** Bytes in each `stall` milliseconds below which a server drips, and is given up. */
const least = 4096

/** Bytes of what has no known size: manifests, scripts. */
const mostOfAny = 32 * 2 ** 20

/**
 * @throws Passing for `network`, `rate-limited`, and `upstream` of a server that may recover; SpillwayError `not-found`, `unauthenticated`,
 *   `forbidden`, other `upstream`, and `integrity` when there are more bytes than there should be.
 */
export async function fetchOnce(url: URL, options: TryOptions): Promise<Fetched> {
	const { what, signal, stall, cache } = options
	const stalled = new AbortController()
	// What has answered at all has until the next look.
	let came = 0
	let any = false
	const watch = setInterval(() => {
		if (came < least) stalled.abort()
		came = 0
	}, stall)
	try {
		const response = await fetch(url, { signal: AbortSignal.any([signal, stalled.signal]), cache, credentials: 'omit' })
		if (!response.ok) throw refused(response, what, url)
		came = least
		options.onResponse?.(response)
		const bytes = await read(response, { ...options, from: url }, (count) => {
			came += count
			any = true
		})
		return { bytes, type: response.headers.get('content-type') ?? 'no type' }
	} catch (cause) {
		const silent = stalled.signal.aborted
		// Nothing more is to come, to whoever reads a clone neither.
		stalled.abort()
		if (cause instanceof Passing || cause instanceof SpillwayError) throw cause
		const why = silent ? `less than ${least} bytes came in ${stall} ms` : `${messageOf(cause)} (offline, broken off, or refused by CORS)`
		const error = new SpillwayError('network', `${what} cannot be fetched from ${url}: ${why}`, { cause })
		throw new Passing(error, any && !silent)
	} finally {
		clearInterval(watch)
	}
}

/** Reads into a buffer of the size that is known, or joins what came. */
async function read(
	{ body }: Response,
	{ what, size, most = mostOfAny, from, onBytes }: TryOptions & { from: URL },
	onPart: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
	const whole = size === undefined ? undefined : new Uint8Array(size)
	const parts: Uint8Array[] = []
	let length = 0
	const reader = body?.getReader()
	for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
		const { value } = part
		if (length + value.length > (size ?? most))
			throw new SpillwayError('integrity', `${what}: ${from} sends more than ${size ?? most} bytes`)
		if (whole) whole.set(value, length)
		else parts.push(value)
		length += value.length
		onPart(value.length)
		onBytes?.(value.length)
	}
	return whole?.subarray(0, length) ?? joined(parts, length)
}

function refused({ status, headers }: Response, what: string, url: URL): Passing | SpillwayError {
	const message = `${what}: ${url} answered ${status}`
	if (status === 404 || status === 410) return new SpillwayError('not-found', message)
	if (status === 401) return new SpillwayError('unauthenticated', message)
	if (status === 403) return new SpillwayError('forbidden', message)
	const options = { retryAfter: retryAfter(headers.get('retry-after')) }
	if (status === 429) return new Passing(new SpillwayError('rate-limited', message, options))
	if (status >= 500 || status === 408) return new Passing(new SpillwayError('upstream', message, options))
	return new SpillwayError('upstream', message)
}

/** Milliseconds of a `Retry-After` header: seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | null): number | undefined {
	if (header === null) return undefined
	const time = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
	return Number.isNaN(time) ? undefined : Math.max(0, time)
}
