// Spillway in a page: the ES module.

import { beside } from './page/beside.ts'
import type { RuntimeOptions } from './page/options.ts'
import { makeRuntime, type Runtime } from './page/runtime.ts'

export type { Overflow, OverflowReason, Provenance } from './core/call.ts'
export type { ChatChunk, ChatCompletion, ChatRequest } from './core/chat.ts'
export type { Datatype } from './core/datatype.ts'
export { type ErrorCode, SpillwayError } from './core/error.ts'
export type { Estimate, Priority } from './core/executor.ts'
export { type Tensor, type Tensors, tensor } from './core/tensor.ts'
export type { ModelReport } from './device/control.ts'
export type { Progress } from './device/protocol.ts'
export type { Policy } from './overflow/policy.ts'
export type {
	CallOptions,
	EmbedResult,
	Explanation,
	GenerateOptions,
	GenerateResult,
	InferResult,
	Model,
	ReadyOptions,
} from './page/model.ts'
export type { RuntimeOptions } from './page/options.ts'
export type { ModelOptions, Runtime, RuntimeStorage } from './page/runtime.ts'
export type { Download } from './store/leave.ts'
export type { StorageState, StoredVersion, Verified } from './store/storage/manage.ts'
export type { TelemetryOptions, Tracer, TracerSpan } from './telemetry/options.ts'

/**
 * Makes the runtime of a page. Of a model nothing is downloaded or started before it is wanted; what calls the edge (`edge.js`, a few kB) is
 * fetched at once, unless the policy is `device-only`.
 *
 * @param options `edge`, `key`, `policy`, `trust`, `models`, `assets`, and what is not to be measured (`workers`, …): see
 *   {@link RuntimeOptions}. One of `edge` and `models` is needed.
 * @throws SpillwayError `malformed` when the options are wrong or do not fit together.
 * @example
 * const spillway = createRuntime({ edge: "https://edge.example.com", key: "pk_…" })
 * const minilm = await spillway.load("minilm")
 * const { vectors, ran } = await minilm.embed(["how do I reset my password?"])
 */
export const createRuntime = (options: RuntimeOptions): Runtime => makeRuntime(options, beside)
