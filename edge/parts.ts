// What differs between Node and workerd: made by the entries (`edge/node.ts`, `edge/worker.ts`) and handed to `createEdge`.

import type { Context, Hono } from 'hono'
import type { Manifest, TensorSpec } from '../models/format/manifest.ts'
import type { Executor } from '../runtime/core/executor.ts'
import type { AdminParts } from './admin/parts.ts'
import type { Quota } from './auth/quota.ts'
import type { EdgeConfig } from './config/schema.ts'
import type { MetricsStore } from './metrics/store.ts'
import type { Reports } from './telemetry/reports.ts'
import type { Spans } from './telemetry/spans.ts'
import type { Asker } from './versions/choose.ts'

/** What a model takes and gives. */
export interface ModelInterface {
	/** What it does with data other than tensors. */
	readonly task: { readonly kind: 'embed'; readonly dimensions: number } | { readonly kind: 'generate' } | null
	/** Null when only the upstreams know: then any tensors are handed on. */
	readonly inputs: TensorSpec[] | null
	readonly outputs: TensorSpec[] | null
	readonly axes: Manifest['axes']
}

/** One version of a model that this edge answers for. */
export interface ServedModel {
	readonly name: string
	readonly version: string
	readonly interface: ModelInterface
	/** SHA-256 of the manifest, lower-case hexadecimal; null for a model that is only declared, as are the next two. */
	readonly digest: string | null
	readonly manifest: Manifest | null
	/** The variant that runs in process. */
	readonly variant: string | null
	/** The vector spaces that may be asked for; the first one is that of answers when none is. */
	readonly spaces: readonly string[]
	/** The overflow loop: in process first, then the upstreams. Takes tensors, and the interface's task where it has one. */
	readonly executor: Executor
	/**
	 * Whether a call would be answered now: the session is loaded and has passed its golden check, or an upstream is up.
	 * Starts loading where that has not happened yet; never rejects.
	 *
	 * @param hops behind the request that asks, for the upstreams that are asked in turn. Default 0.
	 */
	ready(hops?: number): Promise<boolean>
}

/** The models of this edge. Asked at each request, so that a new channel needs no restart. */
export interface Models {
	/** Of all models, in the order of the configuration. */
	readonly names: readonly string[]
	/**
	 * The model, in the version, or under the label, that is asked for, or else in the one that its routing chooses; `undefined` when there is none.
	 * @param asker what the routing may go by.
	 */
	get(name: string, version?: string, asker?: Asker): Promise<ServedModel | undefined>
	/** Each model in the version that answers most calls. */
	list(): Promise<readonly ServedModel[]>
}

export interface EdgeParts {
	readonly config: EdgeConfig
	readonly models: Models
	/** Routes with their full paths: `/models/…` and `/.well-known/jwks.json`. Need no key; set their own CORS headers. */
	readonly distribution: Hono
	/** Static files with their full paths: the demo, `/spillway.js`, `/docs/*`. Asked last; what it lacks is a 404. */
	readonly pages: Hono
	/** What the admin API works on. */
	readonly admin: AdminParts
	readonly metrics: MetricsStore
	readonly quota: Quota
	/** Which reports of pages were counted. */
	readonly reports: Reports
	/** The latest spans of pages and of this edge. */
	readonly spans: Spans
	readonly build: {
		/** Version of the package. */
		readonly version: string
		/** `node` or `workerd`, for `spillway_build_info`. */
		readonly platform: string
	}
	/** Address of the other end of the connection, where the platform tells it. Never from a header: outside Cloudflare anyone can send `CF-Connecting-IP`. */
	peer?(c: Context): string | undefined
	/** Sends trailers after the response's body, where the connection has them: native gRPC needs that. Called before the body's end. */
	trailers?(c: Context): ((trailers: Record<string, string>) => void) | undefined
	/** Keeps the platform alive until `work` has settled (`ctx.waitUntil` on workerd); must not reject the request. */
	keep?(c: Context, work: Promise<unknown>): void
}
