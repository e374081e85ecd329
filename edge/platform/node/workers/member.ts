// One worker process, as the primary sees it.

import cluster, { type Worker } from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { SpillwayError } from '../../../../runtime/core/error.ts'
import type { Figures } from '../../../metrics/prometheus.ts'
import type { PrimaryAnswers, WorkerAnswers, WorkerOptions } from './answers.ts'
import { type Ask, type Channel, talk } from './talk.ts'

export interface Member {
	readonly process: Worker
	readonly ask: Ask<WorkerAnswers>
	/** When it was started, and when it last gave a sign of life: milliseconds of `performance.now`. */
	readonly started: number
	seen: number
	/** What it last told of its figures. */
	figures: Figures
	/** Resolves with its addresses and trust key. Rejects when it cannot start. */
	readonly listening: Promise<{ url: string; grpc?: string; trust: string }>
	/** Resolves when its models answer, or with why one does not. Rejects when it cannot start. */
	readonly settled: Promise<string | undefined>
	/** Resolves with its exit code, or its signal. */
	readonly exited: Promise<number | string>
}

/** What all workers share. */
export type Shared = Pick<PrimaryAnswers, 'metrics' | 'take' | 'first' | 'trace' | 'latest' | 'compare' | 'compared'>

/** The worker's file, in the sources and in the built package. */
const file = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js', import.meta.url))

/** Starts one. */
export function startMember(options: WorkerOptions, shared: Shared, environment: Record<string, string>): Member {
	cluster.setupPrimary({ exec: file, args: [JSON.stringify(options)] })
	const process = cluster.fork(environment)
	const listening = later<{ url: string; grpc?: string; trust: string }>()
	const settled = later<string | undefined>()
	const exited = later<number | string>()

	function failed(error: SpillwayError) {
		listening.reject(error)
		settled.reject(error)
	}
	// Who does not wait for them need not be told.
	listening.promise.catch(() => {})
	settled.promise.catch(() => {})
	process.on('exit', (code, signal) => {
		exited.resolve(signal ?? code)
		failed(new SpillwayError('unavailable', `a worker ended with ${signal ?? code} before it was ready`))
	})
	process.on('error', (error) => failed(SpillwayError.from(error, 'unavailable')))

	const started = performance.now()
	const member: Member = {
		process,
		ask: talk<WorkerAnswers>(process as Channel, {
			...shared,
			listening: listening.resolve,
			settled: (fault) => settled.resolve(fault),
			failed: (fault) => failed(new SpillwayError('unavailable', fault)),
			alive: () => {
				member.seen = performance.now()
			},
			report: (figures) => {
				member.figures = figures
			},
		} satisfies PrimaryAnswers),
		started,
		seen: started,
		figures: [],
		listening: listening.promise,
		settled: settled.promise,
		exited: exited.promise,
	}
	return member
}

interface Later<T> {
	readonly promise: Promise<T>
	resolve(value: T): void
	reject(error: unknown): void
}

/** A promise that others settle. */
function later<T>(): Later<T> {
	let settle: Omit<Later<T>, 'promise'> | undefined
	const promise = new Promise<T>((resolve, reject) => {
		settle = { resolve, reject }
	})
	return { promise, ...(settle as unknown as Omit<Later<T>, 'promise'>) }
}
