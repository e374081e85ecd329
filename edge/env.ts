// What a request carries through the application, for the handlers and for what reports on them.

import type { Context, Next } from 'hono'
import type { Provenance } from '../runtime/core/call.ts'
import type { ErrorCode } from '../runtime/core/error.ts'
import type { TraceParent } from '../runtime/core/trace.ts'
import type { KeyConfig } from './config/schema.ts'
import type { ServedModel } from './parts.ts'
import type { Area, Protocol } from './protocols/protocol.ts'

export interface EdgeEnv {
	Variables: {
		/** The part of the edge that the path belongs to. */
		area: Area | Protocol
		/** The key that the request came with; set by `authorize`. */
		key?: KeyConfig
		/** Milliseconds left to the request; counts from its arrival. */
		remaining: () => number
		/** The version that the call went to; for the metrics. */
		served?: Pick<ServedModel, 'name' | 'version'>
		/** Keeps the platform alive until `work` has settled. */
		keep?: (work: Promise<unknown>) => void
		/** How the answer was made; for the metrics. */
		ran?: Provenance
		/** The span of the call, in the caller's trace if it has one. */
		trace?: TraceParent
		/** Settles when an answer that is sent in parts is over; never rejects. What reports on the request waits for it. */
		ended?: Promise<void>
		/** The error that the request ended in; for the metrics. */
		error?: ErrorCode
		/** Headers that the response carries, whoever makes it, on paths of protocols; elsewhere those made by `respond.ts`. */
		told?: Readonly<Record<string, string>>
		/** Bytes of the response's body, null where that is not known before; not set where no response was made by `respond.ts`. */
		size?: number | null
		/** HTTP status in place of the one that the error's code stands for. */
		status?: number
	}
}

export type EdgeContext = Context<EdgeEnv>

/** A middleware that never answers by itself. */
export type Around = (c: EdgeContext, next: Next) => Promise<void>
