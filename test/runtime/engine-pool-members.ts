// Session workers for tests of the pool: their ends of the ports are in this thread, their sessions are real, and what goes wrong is scripted.

import type { Answer, Call, TensorsCall } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import type { Member } from '../../runtime/device/member.ts'
import { createPool, type Pool, type PoolOptions } from '../../runtime/device/pool.ts'
import { answerOver, callOver } from '../../runtime/device/port.ts'
import { textTensors } from './tiny.ts'
import { tinySession } from './tiny-sessions.ts'

type Infer = (call: Call, context: Context) => Promise<Answer>

/** What a worker does in place of running its session. */
export type Script = (inner: Infer) => Infer

/** A worker that can be killed. */
export interface Started {
	member: Member
	/** As when the browser ends it. */
	kill(): void
	/** Calls that reached it. */
	calls: Call[]
}

/** Bytes that each says it takes. */
export const memory = 1000

export class Members {
	readonly started: Started[] = []
	readonly session: Executor
	/** Before each start; may throw. */
	before: (signal: AbortSignal) => Promise<void> | void = () => {}
	/** What the workers do, one after another; the last goes on. */
	readonly #scripts: readonly Script[]

	constructor(session: Executor, scripts: readonly Script[]) {
		this.session = session
		this.#scripts = scripts
	}

	readonly start = async (signal: AbortSignal): Promise<Member> => {
		await this.before(signal)
		const { started, session } = this
		const infer = (this.#scripts[Math.min(started.length, this.#scripts.length - 1)] ?? works)((call, context) =>
			session.infer(call, context),
		)
		const calls: Call[] = []
		const { port1, port2 } = new MessageChannel()
		answerOver(port2, (call, context) => {
			calls.push(call)
			return infer(call, context)
		})
		const caller = callOver(port1, 'the session worker')
		const over = new AbortController()
		const end = (error: SpillwayError) => {
			over.abort(error)
			caller.close(error)
		}
		const member = { ask: caller.ask, over: over.signal, memory, lay: () => {}, end }
		started.push({ member, calls, kill: () => end(new SpillwayError('worker-lost', 'the session worker ended')) })
		return member
	}

	/** Those that are there. */
	get living(): Started[] {
		return this.started.filter(({ member }) => !member.over.aborted)
	}

	/** How many calls reached each worker. */
	get loads(): number[] {
		return this.started.map(({ calls }) => calls.length)
	}
}

/** A pool, and what stands behind it. */
export async function makePool(most: number, scripts: readonly Script[] = [], options: Partial<PoolOptions> = {}) {
	const members = new Members(await tinySession('cpu'), scripts)
	const pool = await createPool({ name: 'device', most, work: () => 1, start: members.start, ...options })
	return { pool, members, started: members.started }
}

export const call = (id = 4): TensorsCall => ({ kind: 'tensors', model: { name: 'tiny-text' }, tensors: textTensors([[2, id, 3]]) })

export const works: Script = (inner) => inner
export const stuck: Script = () => () => new Promise(() => {})
export const slow =
	(time: number): Script =>
	(inner) =>
	async (call, context) => {
		await sleep(time)
		const { output, ran } = await inner(call, context)
		return { output, ran: { ...ran, run: time } }
	}

export const sleep = (time: number) => new Promise((resolve) => setTimeout(resolve, time))

export const settled = async (calls: Promise<Answer>[]) =>
	(await Promise.allSettled(calls)).map((result) => (result.status === 'fulfilled' ? 'answered' : (result.reason as SpillwayError).code))

export const until = async (condition: () => boolean) => {
	while (!condition()) await sleep(2)
}

/** Waits until the pool has grown to so many workers; something must be waiting all the while. */
export const grown = (pool: Pool, workers: number) =>
	until(() => {
		pool.want(1e9)
		return pool.width === workers
	})
