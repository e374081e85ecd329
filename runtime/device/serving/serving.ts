// One executor over the kinds of session workers: another kind takes over without a call lost, and where one fails, the next answers.

import { bounded, startClock } from '../../core/deadline.ts'
import { SpillwayError } from '../../core/error.ts'
import { cannot, type Estimate, type Executor } from '../../core/executor.ts'
import type { Pool, PoolOptions } from '../pool.ts'
import { type Kind, nameOf, sameWorkers } from './kind.ts'

export interface ServingOptions {
	/** The executor's name in provenance. */
	name: string
	/** Serves from the start. */
	first: Kind
	/** Starts a pool with one worker of a kind in it. The signal aborts when everything is disposed. */
	open(kind: Kind, events: Pick<PoolOptions, 'onChange' | 'onFailed'>, signal: AbortSignal): Promise<Pool>
	/** Who answers in place of a kind that failed, best first. Those that failed before are left out. */
	fallbacks(): readonly Kind[]
	/** Told when the estimate, the width or the kind may have changed. */
	onChange?(): void
	/** Told when no kind is left. */
	onFailed?(error: SpillwayError): void
}

export interface Failure {
	readonly kind: Kind
	readonly error: SpillwayError
}

export interface Serving extends Executor, Pick<Pool, 'width' | 'workers' | 'first' | 'memory' | 'want' | 'setMost'> {
	/** The kind that takes the calls. */
	readonly kind: Kind
	/** Most workers. */
	readonly most: number
	/** Why there are fewer workers than wanted. */
	readonly trouble: SpillwayError | undefined
	/** The kinds that failed; they are not used again. */
	readonly failures: readonly Failure[]
	/**
	 * Lets another kind take the calls, once a worker of it is there. Calls under way are answered where they are.
	 *
	 * @throws what `open` throws: everything goes on as before then.
	 */
	swap(kind: Kind): Promise<void>
}

/** A kind in use. */
interface Place {
	kind: Kind
	/** Rejects when the kind cannot be started. */
	readonly opening: Promise<Pool>
	pool: Pool | undefined
	most: number
	/** Calls under way. */
	calls: number
	error: SpillwayError | undefined
}

/** @throws what `open` throws for the first kind. */
export async function createServing(options: ServingOptions): Promise<Serving> {
	const { name, first, open, fallbacks, onChange = () => {}, onFailed = () => {} } = options
	const life = new AbortController()
	const failures: Failure[] = []
	/** Why nobody serves any more. */
	let over: SpillwayError | undefined
	/** Those that may have workers. */
	const places = new Set<Place>()
	const disposed = (): boolean => over?.code === 'disposed'
	let current = place(first)
	await current.opening

	function place(kind: Kind): Place {
		const events = { onChange, onFailed: (error: SpillwayError) => fail(made, error) }
		const opening = open(kind, events, life.signal).then((pool) => {
			made.pool = pool
			// Closed while it was being started: it failed, or another took its place.
			if (over || !places.has(made)) pool.dispose()
			else if (made.most !== kind.workers) pool.setMost(made.most)
			return pool
		})
		const made: Place = { kind, opening, pool: undefined, most: kind.workers, calls: 0, error: undefined }
		places.add(made)
		opening.catch(() => places.delete(made))
		return made
	}

	function close(place: Place): void {
		places.delete(place)
		place.pool?.dispose()
	}

	/** The kind is not used any more; its calls go to the next one. */
	function fail(failed: Place, error: SpillwayError): void {
		if (failed.error || over) return
		failed.error = error
		failures.push({ kind: failed.kind, error })
		close(failed)
		if (failed === current) {
			const next = fallbacks().find((kind) => !failures.some((failure) => sameWorkers(failure.kind, kind)))
			if (next) {
				current = place(next)
				const opened = current
				opened.opening.then(onChange, (thrown) => fail(opened, SpillwayError.from(thrown)))
			} else {
				over = error
				onFailed(error)
			}
		}
		onChange()
	}

	/** Whether the call is to be answered by the next kind. */
	function passesOn(place: Place, error: SpillwayError): boolean {
		if (disposed()) return false
		// WebAssembly is what others are held against: there an error is the call's own.
		if (place.kind.provider !== 'wasm' && faults.has(error.code)) fail(place, error)
		return place.error !== undefined && !callers.has(error.code) && !over
	}

	function leave(place: Place): void {
		place.calls--
		if (place !== current && place.calls === 0) close(place)
	}

	const serving: Serving = {
		name,
		accepts: ['tensors'],
		get kind() {
			return current.kind
		},
		get most() {
			return current.most
		},
		get width() {
			return current.pool?.width ?? 1
		},
		get workers() {
			return current.pool?.workers ?? 0
		},
		get first() {
			return current.pool?.first
		},
		get memory() {
			return current.pool?.memory ?? 0
		},
		get trouble() {
			return current.pool?.trouble
		},
		get failures() {
			return failures
		},
		want: (backlog) => current.pool?.want(backlog),
		setMost(most) {
			current.most = most
			current.pool?.setMost(most)
		},
		async swap(kind) {
			if (over) throw over
			if (sameWorkers(current.kind, kind) && current.pool) {
				current.kind = kind
				return serving.setMost(kind.workers)
			}
			const next = place(kind)
			await next.opening
			if (over) throw over
			if (next.error) throw next.error
			const old = current
			current = next
			if (old.calls === 0) close(old)
			onChange()
		},
		estimate(call): Estimate {
			if (over) return cannot('unhealthy', over.message)
			if (current.pool) return current.pool.estimate(call)
			return { can: 'loading', reason: 'unhealthy', detail: `${nameOf(current.kind)} takes over`, queue: 0, run: 0 }
		},
		async infer(call, context) {
			const left = startClock(context.remaining)
			for (;;) {
				if (over) throw over
				const place = current
				place.calls++
				try {
					const pool =
						place.pool ?? (await bounded(`the start of ${nameOf(place.kind)}`, { ...context, remaining: left() }, () => place.opening))
					return await pool.infer(call, { ...context, remaining: left() })
				} catch (thrown) {
					const error = SpillwayError.from(thrown)
					if (!passesOn(place, error)) throw disposed() ? over : error
				} finally {
					leave(place)
				}
			}
		},
		async dispose() {
			if (disposed()) return
			over = new SpillwayError('disposed', `${name} was disposed`)
			life.abort(over)
			await Promise.all([...places].map(({ pool }) => pool?.dispose()))
		},
	}
	return serving
}

/** What tells that a provider does not work, where it comes from one that is not WebAssembly. */
const faults: ReadonlySet<SpillwayError['code']> = new Set(['internal', 'worker-lost', 'unavailable', 'out-of-memory'])

/** What no other kind would answer differently. */
const callers: ReadonlySet<SpillwayError['code']> = new Set(['invalid-input', 'deadline-exceeded', 'aborted'])
