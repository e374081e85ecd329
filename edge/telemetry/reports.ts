// Which reports were counted: behind an interface because on workerd the truth lives in a Durable Object.

import { maxReportAge } from '../../runtime/telemetry/wire.ts'

/** Remembers reports by their id. One memory for all that share the state behind it. */
export interface Reports {
	/** Whether the report comes for the first time; from now on it does not. */
	first(id: string): boolean | Promise<boolean>
}

/** Ids that are remembered; beyond, the oldest are forgotten before their time. Some 30 MB. */
const mostRemembered = 200_000

/**
 * A memory in this process (or Durable Object). Forgets a report when pages have given it up, too.
 *
 * @param now a clock in ms that never goes back.
 * @param most ids that are remembered.
 */
export function memoryReports(now: () => number = () => performance.now(), most: number = mostRemembered): Reports {
	/** In the order in which they came. */
	const seen = new Map<string, number>()
	return {
		first(id) {
			const at = now()
			for (const [old, time] of seen) {
				if (at - time < maxReportAge && seen.size < most) break
				seen.delete(old)
			}
			if (seen.has(id)) return false
			seen.set(id, at)
			return true
		},
	}
}
