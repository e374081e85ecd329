// Bytes over HTTP: from one mirror after another, each answer checked, with retries that are bounded.

import { aborted } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { type Fetched, fetchOnce, Passing } from './http.ts'
import { onlyAt, type Place } from './mirrors.ts'
import { Failures, type Patience, patient } from './patience.ts'

export interface FetchOptions {
	/** What is fetched, for messages: `chunk 3 of weights.bin`. */
	what: string
	signal: AbortSignal
	/** Default: `patient`. */
	patience?: Patience
	/** Shared by all parts of a download, in place of `patience`. */
	failures?: Failures | undefined
	/** Bytes that it must have, where known. */
	size?: number | undefined
	/** Bytes that it may have where `size` is not known. Default: 32 MiB. */
	most?: number | undefined
	/** `reload` goes past the HTTP cache, `no-cache` revalidates. Default: `default`. */
	cache?: RequestCache
	/** Told of each part that arrives, not verified yet. */
	onBytes?: ((bytes: number) => void) | undefined
	/** Told of each answer before it is read, for who wants to read a clone of it meanwhile. */
	onResponse?: ((response: Response) => void) | undefined
}

/** @throws what `fetchFrom` throws. */
export const fetchBytes = (url: URL, options: FetchOptions): Promise<Fetched> => fetchFrom(onlyAt(url), options, async (fetched) => fetched)

/**
 * What `accept` makes of the bytes of the first address whose bytes it accepts. Bytes that it refuses with `integrity` are fetched once more,
 * past all caches, before the next address is asked. When none has given any, and one of them for a reason that may pass, all is tried again.
 *
 * @throws SpillwayError what `accept` throws; `not-found`, `unauthenticated`, `forbidden`; after the last try `network`, `upstream`,
 *   `rate-limited`; `aborted`. From several addresses, it tells of each.
 */
export async function fetchFrom<T>(place: Place, options: FetchOptions, accept: (fetched: Fetched, url: URL) => Promise<T>): Promise<T> {
	const { signal, failures = new Failures(options.patience ?? patient) } = options
	/** Addresses that will not do better next time. */
	const given = new Set<URL>()
	for (;;) {
		const before = failures.count
		const errors: (Passing | SpillwayError)[] = []
		for (const url of place.urls) {
			if (given.has(url)) continue
			try {
				const accepted = await failures.inTurn(signal, () => fetchRight(url, { ...options, failures }, accept))
				failures.makeUp()
				return accepted
			} catch (thrown) {
				if (signal.aborted) throw aborted(signal)
				const error = thrown instanceof Passing ? thrown : SpillwayError.from(thrown)
				if (error instanceof SpillwayError) given.add(url)
				errors.push(error)
				place.failed(url)
			}
		}
		const error = joined(errors)
		const passing = errors.filter((error) => error instanceof Passing)
		if (passing.length === 0) throw error
		await failures.bear({ error, before, late: passing.some(({ late }) => late) }, signal)
	}
}

/** Bytes that are accepted, from one address: wrong ones may lie in a cache on the way. */
async function fetchRight<T>(
	url: URL,
	{ cache = 'default', failures, ...options }: FetchOptions & { failures: Failures },
	accept: (fetched: Fetched, url: URL) => Promise<T>,
): Promise<T> {
	const { stall } = failures.patience
	const once = async (cache: RequestCache) => accept(await fetchOnce(url, { ...options, stall, cache }), url)
	try {
		return await once(cache)
	} catch (error) {
		if (!(error instanceof SpillwayError) || error.code !== 'integrity' || options.signal.aborted) throw error
		return once('reload')
	}
}

/** One error for all addresses: that of one that may recover, if there is one. */
function joined(errors: readonly (Passing | SpillwayError)[]): SpillwayError {
	const passing = errors.flatMap((error) => (error instanceof Passing ? [error.error] : []))
	const all = errors.map((error) => (error instanceof Passing ? error.error : error))
	const [error] = passing.length > 0 ? passing : all
	if (!error) throw new RangeError('no address')
	if (all.length === 1) return error
	const soonest = Math.min(...passing.map(({ retryAfter = 0 }) => retryAfter))
	return new SpillwayError(error.code, all.map(({ message }) => message).join('; '), {
		cause: error,
		retryAfter: soonest > 0 && Number.isFinite(soonest) ? soonest : undefined,
	})
}
