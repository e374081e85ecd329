// Requests per minute for each key: a token bucket, behind an interface because on workerd the truth lives in a Durable Object.

export interface QuotaAnswer {
	readonly allowed: boolean
	/** Milliseconds until the next request is allowed; 0 when this one is. */
	readonly retryAfter: number
}

/** Counts requests by key. One count for all that share the state behind it. */
export interface Quota {
	/**
	 * Takes one request off the quota of `key`: `perMinute` at once, refilled evenly over the minute.
	 * @param key the key's id, never the key.
	 */
	take(key: string, perMinute: number): QuotaAnswer | Promise<QuotaAnswer>
}

/**
 * A quota in this process's (or Durable Object's) memory. Begins anew, and full, when that ends.
 * @param now a clock in ms that never goes back.
 */
export function memoryQuota(now: () => number = () => performance.now()): Quota {
	const buckets = new Map<string, { left: number; at: number }>()
	return {
		take(key, perMinute) {
			const at = now()
			const bucket = buckets.get(key) ?? { left: perMinute, at }
			buckets.set(key, bucket)
			const perMillisecond = perMinute / 60_000
			bucket.left = Math.min(perMinute, bucket.left + (at - bucket.at) * perMillisecond)
			bucket.at = at
			if (bucket.left < 1) return { allowed: false, retryAfter: (1 - bucket.left) / perMillisecond }
			bucket.left -= 1
			return { allowed: true, retryAfter: 0 }
		},
	}
}
