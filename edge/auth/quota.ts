// Requests per minute for each key: a sliding window, behind an interface because on workerd the truth lives in a Durable Object.

export interface QuotaAnswer {
	readonly allowed: boolean
	/** Milliseconds until the next request would be allowed; 0 when this one is. */
	readonly retryAfter: number
}

/** Counts requests by key. One count for all that share the state behind it. */
export interface Quota {
	/**
	 * Takes one request off the quota of `key`.
	 * @param key the key's id, never the key.
	 * @param perMinute requests allowed in any 60,000 ms.
	 */
	take(key: string, perMinute: number): QuotaAnswer | Promise<QuotaAnswer>
}
