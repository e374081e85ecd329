// Observations for the tests of telemetry: examples, and any there can be.

import * as fc from 'fast-check'
import type { OverflowReason, Provenance } from '../../runtime/core/call.ts'
import type { ErrorCode } from '../../runtime/core/error.ts'
import { traceParent } from '../../runtime/core/trace.ts'
import type { CallObservation } from '../../runtime/telemetry/observation.ts'

export const ranHere: Provenance = {
	executor: 'device',
	provider: 'wasm',
	model: 'minilm',
	version: '1.0.0',
	variant: 'int8',
	space: `minilm@${'a'.repeat(64)}/int8`,
	queue: 2,
	run: 10,
	batch: 4,
	hops: 0,
	overflow: [],
}

/** A call that was answered on the device, and began at 100 ms. */
export const answered = (more: Partial<CallObservation> = {}): CallObservation => ({
	type: 'call',
	operation: 'embed',
	model: 'minilm',
	policy: 'prefer-device',
	trace: traceParent(undefined, true),
	start: 100,
	ran: ranHere,
	...more,
})

/** A call that was not. */
export const failed = (error: ErrorCode, more: Partial<CallObservation> = {}): CallObservation => ({
	...answered(),
	ran: undefined,
	trace: traceParent(),
	error,
	...more,
})

const codes: ErrorCode[] = ['aborted', 'deadline-exceeded', 'internal', 'network', 'unavailable', 'worker-lost']
const reasons: OverflowReason[] = ['queue', 'deadline', 'memory', 'loading', 'unsupported', 'unhealthy', 'policy']
/** What an edge may call things, however odd. */
const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 100 })
const milliseconds = fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }))

const provenance: fc.Arbitrary<Provenance> = fc.record({
	executor: word,
	provider: fc.option(word),
	model: word,
	version: fc.option(word),
	variant: fc.option(word),
	space: fc.option(word),
	queue: milliseconds,
	run: milliseconds,
	batch: fc.option(fc.nat(2048)),
	hops: fc.nat(3),
	overflow: fc.array(fc.record({ executor: word, reason: fc.constantFrom(...reasons), detail: word }), { maxLength: 12 }),
})

/** Any call that a page can tell of. */
export const anyCall: fc.Arbitrary<CallObservation> = fc
	.record({
		model: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/),
		operation: fc.constantFrom('embed' as const, 'infer' as const),
		sampled: fc.boolean(),
		start: fc.double({ min: 0, max: 1e6, noNaN: true }),
		outcome: fc.oneof(fc.record({ ran: provenance }), fc.record({ error: fc.constantFrom(...codes) })),
	})
	.map(({ model, operation, sampled, start, outcome }) => ({
		type: 'call',
		model,
		operation,
		policy: 'prefer-device',
		trace: traceParent(undefined, sampled),
		start,
		...outcome,
	}))
