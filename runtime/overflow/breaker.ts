// The circuit breaker as a wrap: what fails, or does not answer, is passed by for a while, and tried by one call at a time.

import { SpillwayError } from '../core/error.ts'
import { type Context, cannot, type Executor } from '../core/executor.ts'
import { type Circuit, type CircuitOptions, makeCircuit, type Refusal, type Verdict } from './circuit.ts'
import { estimate, finish, patience, tooLong } from './plan.ts'
import { overflowReason } from './reason.ts'

export interface BreakerOptions extends CircuitOptions {
	/** Whether there is a network at all: without one the executor says no, and what fails then is not its fault. Default: always. */
	readonly online?: (() => boolean) | undefined
}

export interface Breaker extends Executor {
	/** Closes all circuits: the network has come back. */
	reset(): void
}

/** Errors that are the server's fault, or will be the same at each call for a while. Others say that it answers. */
const faults = [
	'network',
	'upstream',
	'unavailable',
	'worker-lost',
	'golden-mismatch',
	'internal',
	'rate-limited',
	'unauthenticated',
	'forbidden',
]

/**
 * Wraps an executor so that while it fails its estimate says `no` (`unhealthy`; `queue` is the time until another try) and calls that come
 * all the same, but for one at a time (in five seconds), are refused at once, with the error that it failed with and `retryAfter`.
 *
 * What opens a circuit: failures in a row, or a share of the latest calls (see {@link CircuitOptions}); one call that got no answer in three
 * times the time that was expected, and a second at least; one answer with a time to come back after (`retryAfter`, which is kept to). Each
 * model has a circuit of its own: a server may serve one and not the other.
 *
 * @example const guarded = breaker({ online: () => navigator.onLine })(edge)
 */
export const breaker =
	({ online = () => true, ...options }: BreakerOptions = {}) =>
	(inner: Executor): Breaker => {
		const circuits = new Map<string, Circuit>()
		const circuitOf = (model: string): Circuit => {
			const circuit = circuits.get(model) ?? makeCircuit(options)
			circuits.set(model, circuit)
			return circuit
		}

		return {
			...inner,
			estimate(call) {
				if (!online()) return cannot('unhealthy', 'offline')
				const { wait = 0, error } = circuitOf(call.model.name).refusal ?? {}
				if (!wait) return inner.estimate(call)
				const detail = error ? `failed just now: ${error.code}` : 'failed before, and is being tried by another call'
				return { ...cannot((error && overflowReason(error)) ?? 'unhealthy', detail), queue: wait }
			},
			async infer(call, context) {
				const leave = circuitOf(call.model.name).enter(context.remaining)
				if (typeof leave !== 'function') throw refused(inner.name, leave)
				let heard = performance.now()
				let parts = 0
				const expected = finish(estimate(inner, call))
				const emit: Context['emit'] =
					context.emit &&
					(async (part) => {
						if (parts++ === 0) leave('begun')
						await context.emit?.(part)
						// The caller's own time does not count.
						heard = performance.now()
					})
				try {
					const answer = await inner.infer(call, { ...context, emit })
					leave('answered')
					return answer
				} catch (thrown) {
					const error = SpillwayError.from(thrown)
					const waited = performance.now() - heard
					leave(
						online() ? verdictOn(error, context, waited, parts > 0 ? patience : expected) : 'unknown',
						failureOf(error, inner.name, waited),
					)
					throw error
				}
			},
			reset() {
				circuits.clear()
			},
		}
	}

/** Whether the call was given up because its time was over, or for the next executor's sake; not because nobody wants it any more. */
export const isLate = ({ signal }: Pick<Context, 'signal'>): boolean =>
	(signal.reason?.cause?.code ?? signal.reason?.code) === 'deadline-exceeded'

function verdictOn(error: SpillwayError, context: Context, waited: number, expected: number): Verdict {
	if (error.code === 'deadline-exceeded' || (error.code === 'aborted' && isLate(context))) {
		if (waited < expected * tooLong) return 'unknown'
		return waited < patience ? 'failed' : 'hung'
	}
	if (error.code === 'aborted' || error.code === 'disposed') return 'unknown'
	return faults.includes(error.code) ? 'failed' : 'answered'
}

/** What others are told: the time and the abort were the call's own. */
const failureOf = (error: SpillwayError, name: string, waited: number): SpillwayError =>
	error.code === 'deadline-exceeded' || error.code === 'aborted'
		? new SpillwayError('unavailable', `${name} did not answer in ${Math.round(waited)} ms`, { cause: error })
		: error

function refused(name: string, { wait, error }: Refusal): SpillwayError {
	const why = error ? `it failed just now: ${error.message}` : 'it failed before, and is being tried by another call'
	return new SpillwayError(error?.code ?? 'unavailable', `${name} is not asked: ${why}`, { cause: error, retryAfter: wait })
}
