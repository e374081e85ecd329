// Requests per minute for each key: a token bucket, behind an interface because on workerd the truth lives in a Durable Object.

export interface QuotaAnswer {
	readonly allowed: boolean
	/** Milliseconds until the next request is allowed; 0 when this one is. */
	readonly retryAfter: number
	/** Requests that were taken off; more than one at most where that was asked for. */
	readonly taken: number
}

/** Counts requests by key. One count for all that share the state behind it. */
export interface Quota {
	/**
	 * Takes one request off the quota of `key`: `perMinute` at once, refilled evenly over the minute.
	 * @param key the key's id, never the key.
	 * @param most so many, where there are as many left. Default 1.
	 */
	take(key: string, perMinute: number, most?: number): QuotaAnswer | Promise<QuotaAnswer>
}

/**
 * A quota in this process's (or Durable Object's) memory. Begins anew, and full, when that ends.
 * @param now a clock in ms that never goes back.
 */
export function memoryQuota(now: () => number = () => performance.now()): Quota {
	const buckets = new Map<string, { left: number; at: number }>()
	return {
		take(key, perMinute, most = 1) {
			const at = now()
			const bucket = buckets.get(key) ?? { left: perMinute, at }
			buckets.set(key, bucket)
			const perMillisecond = perMinute / 60_000
			bucket.left = Math.min(perMinute, bucket.left + (at - bucket.at) * perMillisecond)
			bucket.at = at
			if (bucket.left < 1) return { allowed: false, retryAfter: (1 - bucket.left) / perMillisecond, taken: 0 }
			const taken = Math.min(most, Math.floor(bucket.left))
			bucket.left -= taken
			return { allowed: true, retryAfter: 0, taken }
		},
	}
}

/** Requests that are taken off in advance: those of so many milliseconds. */
const inAdvance = 100

/**
 * A quota whose count is elsewhere: of large quotas, some are taken off in advance, so that not every request has to ask. Never more are
 * allowed than there are.
 */
export function inAdvanceOf(quota: Quota): Quota {
	const taken = new Map<string, number>()
	return {
		take(key, perMinute) {
			const left = taken.get(key) ?? 0
			if (left > 0) {
				taken.set(key, left - 1)
				return { allowed: true, retryAfter: 0, taken: 1 }
			}
			return ask(key, perMinute)
		},
	}

	async function ask(key: string, perMinute: number): Promise<QuotaAnswer> {
		const answer = await quota.take(key, perMinute, Math.max(1, Math.floor((perMinute / 60_000) * inAdvance)))
		// Others may have asked meanwhile.
		if (answer.taken > 1) taken.set(key, (taken.get(key) ?? 0) + answer.taken - 1)
		return answer
	}
}
