// What a page reports to its edge: plain data, one type for both ends. The edge holds it against a schema (`edge/telemetry/schema.ts`).
// Nothing in it comes from an input or an output, and nothing names a user or a visit.

import type { OverflowReason, Task } from '../core/call.ts'
import type { ErrorCode } from '../core/error.ts'
import type { Histogram } from './wire-histogram.ts'

/** Where reports go, relative to the edge's address. */
export const telemetryPath = 'v1/telemetry'

export const reportFormat = 'spillway-telemetry/1'

/** Bytes of a whole report with its key: what browsers let a page have under way when it ends. */
export const maxReportBytes = 65_536

/** Milliseconds for which a report may be kept until it is sent, and for which the edge remembers that it came. */
export const maxReportAge = 24 * 3_600_000

/** Most entries of each list of a report. */
export const most = { spans: 64, calls: 24, loads: 32, overflow: 48, errors: 96, bytes: 32 } as const

/** Stands for whatever came when a list was full. */
export const other = 'other'

/** Longest name of a model, version, variant or executor. */
export const longestName = 64

/** What was asked of a model. */
export type Operation = Task | 'infer' | 'load'

/** `whole`: from the wish to the model that serves. */
export type LoadPhase = 'channel' | 'files' | 'session' | 'whole'

/** The device, as coarsely as is of use. */
export interface DeviceClass {
	readonly browser: 'chromium' | 'firefox' | 'safari' | 'other'
	/** Logical cores. */
	readonly cores: '1-2' | '3-4' | '5-8' | '9+' | 'unknown'
	/** Gigabytes, where the browser tells them. */
	readonly memory: '<4' | '4-7' | '8+' | 'unknown'
	/** Whether the page is cross-origin isolated, and so may have threads. */
	readonly isolated: boolean
	/** Whether the browser has WebGPU; no adapter is asked for. */
	readonly gpu: boolean
}

/** Calls answered by one executor on one provider. Milliseconds; the batch in rows. */
export interface CallFigures {
	readonly model: string
	readonly executor: string
	/** Null where the executor does not tell. */
	readonly provider: string | null
	/** From the call to its answer. */
	readonly total: Histogram
	readonly queue: Histogram
	readonly run: Histogram
	readonly batch: Histogram
}

export interface LoadFigures {
	readonly model: string
	readonly phase: LoadPhase
	/** Milliseconds. */
	readonly time: Histogram
}

export interface OverflowFigures {
	readonly model: string
	/** Who was passed by. */
	readonly executor: string
	readonly reason: OverflowReason
	readonly count: number
}

export interface ErrorFigures {
	readonly model: string
	readonly operation: Operation
	readonly code: ErrorCode
	readonly count: number
}

export interface ByteFigures {
	readonly model: string
	/** Where the bytes of loaded models came from. */
	readonly source: 'network' | 'storage'
	readonly count: number
}

/** One call or load. */
export interface ReportSpan {
	/** As in the `traceparent` that the edge got: 32 and 16 hexadecimal digits. */
	readonly trace: string
	readonly span: string
	readonly operation: Operation
	readonly model: string
	/** Milliseconds since 1970 by the page's clock. */
	readonly start: number
	/** Milliseconds. */
	readonly duration: number
	readonly executor?: string | undefined
	readonly provider?: string | undefined
	readonly version?: string | undefined
	readonly variant?: string | undefined
	readonly queue?: number | undefined
	readonly run?: number | undefined
	readonly batch?: number | undefined
	readonly overflow?: readonly { readonly executor: string; readonly reason: OverflowReason }[] | undefined
	readonly error?: ErrorCode | undefined
}

/** What happened since the report before: figures to be added, and some of the calls. */
export interface Report {
	readonly format: typeof reportFormat
	/** UUID: however often it is sent, it counts once. */
	readonly id: string
	/** Version of the package. */
	readonly version: string
	/** The browser and its major version, e.g. `Chromium 156`. */
	readonly build: string
	readonly device: DeviceClass
	/** Milliseconds since 1970 by the page's clock: when it was made, and when it was sent (anew at each try). */
	readonly madeAt: number
	readonly sentAt: number
	readonly calls: readonly CallFigures[]
	readonly loads: readonly LoadFigures[]
	readonly overflow: readonly OverflowFigures[]
	readonly errors: readonly ErrorFigures[]
	readonly bytes: readonly ByteFigures[]
	readonly spans: readonly ReportSpan[]
}

/** What is posted. The key is in the body, because a page that ends can send no header. */
export interface KeyedReport extends Report {
	readonly key?: string | undefined
}
