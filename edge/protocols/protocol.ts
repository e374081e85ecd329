// What a protocol is: its paths, its routes, the form of its errors. One folder each, listed in `index.ts`.

import type { Hono } from 'hono'
import type { EdgeEnv } from '../env.ts'
import type { Problem } from '../guard/problem.ts'
import type { EdgeParts } from '../parts.ts'

/** A part of the edge's paths, for what reports on them. */
export interface Area {
	/** Its label in metrics and traces. */
	readonly name: string
	/** Prefixes of its paths, each a whole path or followed by `/`; of several that fit, the longest counts. */
	readonly paths: readonly string[]
}

/** An error as the protocol's clients read it. */
export interface Refusal {
	readonly body: unknown
	/** Default: `application/json`. */
	readonly headers?: Readonly<Record<string, string>>
	/** Default: the problem's. */
	readonly status?: number
}

/** A wire format that calls models, and back: its paths are open to pages of other origins, and under a deadline from the first byte on. */
export interface Protocol extends Area {
	/** Makes the routes, with their full paths. */
	routes(parts: EdgeParts): Hono<EdgeEnv>
	/** The form of its errors. Default: problem+json (RFC 9457). */
	refuse?(problem: Problem): Refusal
}
