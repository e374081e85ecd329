// How an answer tells where and how it was made: the same headers in every protocol.

import type { Provenance } from '../../runtime/core/call.ts'
import type { Limits } from '../config/schema.ts'
import type { EdgeContext } from '../env.ts'
import { retriesLeftOf } from '../guard/context.ts'
import { tell } from './respond.ts'

/** Longest detail of one overflow in a header: servers and proxies cap all headers together at 8 to 16 KiB. */
const maxDetail = 200

/**
 * Adds `Spillway-Ran` (provenance as JSON, in ASCII as headers need it) and `Server-Timing`, and tells the metrics.
 * @see https://www.w3.org/TR/server-timing/
 */
export function tellProvenance(c: EdgeContext, ran: Provenance): void {
	c.set('ran', ran)
	const short = { ...ran, overflow: ran.overflow.map((one) => (one.detail ? { ...one, detail: one.detail.slice(0, maxDetail) } : one)) }
	tell(c, { 'spillway-ran': ascii(JSON.stringify(short)) })
	const timing = [duration('queue', ran.queue), duration('run', ran.run)].filter((part) => part !== undefined)
	if (timing.length > 0) tell(c, { 'server-timing': timing.join(', ') })
}

/** Adds `Spillway-Retries`: failed or not, the caller goes on with what is left. @param spent by the call. */
export function tellRetries(c: EdgeContext, limits: Limits, spent: number): void {
	tell(c, { 'spillway-retries': String(retriesLeftOf(c.req.raw, limits, spent)) })
}

const duration = (name: string, milliseconds: number | null): string | undefined =>
	milliseconds === null ? undefined : `${name};dur=${Number(milliseconds.toFixed(3))}`

const ascii = (json: string): string =>
	json.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
