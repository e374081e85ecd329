// Executors that do as they are told: for the tests of what stands around executors.

import { type Answer, type Call, provenance } from '../../runtime/core/call.ts'
import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Estimate, Executor } from '../../runtime/core/executor.ts'

export interface Script {
	name?: string
	accepts?: Executor['accepts']
	/** Default: at once. */
	estimate?: Partial<Estimate> | (() => Estimate)
	/** Milliseconds until it answers or fails; infinite: never. Default 0. */
	after?: number
	/** Fails with this code instead of answering. */
	fails?: ErrorCode | SpillwayError
	/** Whether it stops when its signal aborts. Default true. */
	heeds?: boolean
}

export interface Scripted extends Executor {
	/** Contexts of the calls so far. */
	readonly asked: Context[]
	/** Of these, those that have neither answered nor failed. */
	readonly running: Set<Context>
	disposed: boolean
}

export const now: Estimate = { can: 'now', queue: 0, run: 0 }

export const embedCall: Call = { kind: 'task', model: { name: 'minilm' }, task: 'embed', input: ['hello'] }

export function scripted({
	name = 'one',
	accepts = ['tensors', 'embed'],
	estimate = {},
	after = 0,
	fails,
	heeds = true,
}: Script = {}): Scripted {
	const asked: Context[] = []
	const running = new Set<Context>()
	return {
		name,
		accepts,
		asked,
		running,
		disposed: false,
		estimate: () => (typeof estimate === 'function' ? estimate() : { ...now, ...estimate }),
		infer(call, context) {
			asked.push(context)
			running.add(context)
			return new Promise<Answer>((resolve, reject) => {
				if (heeds) context.signal.addEventListener('abort', () => reject(new SpillwayError('aborted', `${name} was stopped`)))
				if (after === Number.POSITIVE_INFINITY) return
				setTimeout(() => {
					running.delete(context)
					if (fails) reject(fails instanceof SpillwayError ? fails : new SpillwayError(fails, `${name} cannot`))
					else resolve({ output: { kind: 'embed', vectors: [Float32Array.of(1)], tokens: 1 }, ran: provenance(name, call.model) })
				}, after)
			})
		},
		async dispose() {
			this.disposed = true
		},
	}
}

/** A context with plenty of time. */
export const context = (more: Partial<Context> = {}): Context => ({
	remaining: 1000,
	signal: new AbortController().signal,
	hops: 0,
	retries: { left: 3 },
	trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
	...more,
})
