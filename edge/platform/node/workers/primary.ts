// The primary process of `spillway serve --workers`: starts workers, replaces those that crash or hang, and one after the other all of them.

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../../../runtime/core/error.ts'
import type { EdgeConfig } from '../../../config/schema.ts'
import type { WorkerOptions } from './answers.ts'
import { type Member, startMember } from './member.ts'
import { sharedByWorkers } from './shared.ts'

export interface WorkersOptions {
	/** How many run at a time; while they are replaced, one more. */
	count: number
	options: WorkerOptions
	/** Variables of the workers, beside those of this process. */
	environment: Record<string, string>
	/** Reads the configuration anew. Throws when it has faults. */
	readConfig(): Promise<EdgeConfig>
	/** Tells who looks after the edge what has happened. */
	tell(line: string): void
}

export interface RunningWorkers {
	readonly url: string
	readonly grpc: string | undefined
	readonly trust: string
	/** Resolves when every model answers in every worker. Rejects with why one does not. */
	ready(): Promise<void>
	/**
	 * Replaces all workers, one after the other: the new one listens and its models answer before the old one is asked to end. With a
	 * configuration that has faults, or when a new worker does not answer where the old one did, those of before go on. Never rejects.
	 * @returns whether all were replaced.
	 */
	reload(): Promise<boolean>
	/** Ends all workers. Idempotent. */
	close(): Promise<void>
}

/** Milliseconds that a worker has to be there, its models loaded. */
const startPatience = 120_000
/** Milliseconds between looks at who gives signs of life. */
const watching = 1_000
/** A worker that lives shorter than this, in milliseconds, is not replaced at once, but after a pause that doubles. */
const shortLife = 10_000
const firstPause = 500
const longestPause = 30_000
/** Milliseconds that a worker has to end beyond what its requests have. */
const beyond = 1_000

/**
 * Starts workers that listen on one port.
 * @throws why the first ones cannot start: a wrong configuration, a port that is taken.
 */
export async function runWorkers({ count, options, environment, readConfig, tell }: WorkersOptions): Promise<RunningWorkers> {
	let config = await readConfig()
	const shared = sharedByWorkers()
	const slots: Member[] = []
	let quick = 0
	let closing: Promise<void> | undefined
	let reloading = Promise.resolve(true)

	function start(): Member {
		const member = startMember({ ...options, workers: count }, shared.answers, environment)
		shared.join(member)
		return member
	}

	/** Puts a worker into a slot, and another one into its place when it ends unasked. */
	function fill(slot: number, member: Member): void {
		slots[slot] = member
		member.exited.then(async (how) => {
			if (closing || slots[slot] !== member) return
			const hung = hanging.delete(member)
			quick = performance.now() - member.started < shortLife ? quick + 1 : 0
			const pause = quick === 0 ? 0 : Math.min(longestPause, firstPause * 2 ** quick)
			tell(
				`a worker ${hung ? 'gave no sign of life and was killed' : `ended with ${how}`}; another one starts${pause ? ` in ${pause} ms` : ''}`,
			)
			shared.replaced(hung ? 'hang' : 'crash')
			await sleep(pause, undefined, { ref: false })
			if (!closing && slots[slot] === member) fill(slot, start())
		})
	}

	const hanging = new Set<Member>()
	let looked = performance.now()
	const watch = setInterval(() => {
		const now = performance.now()
		// Who was asleep itself has heard from nobody.
		const asleep = now - looked > 2 * watching
		looked = now
		for (const member of slots) {
			if (asleep) member.seen = Math.max(member.seen, now)
			const patience = member.seen === member.started ? startPatience : config.server.unresponsive
			if (now - member.seen < patience) continue
			hanging.add(member)
			member.process.process.kill('SIGKILL')
		}
	}, watching)
	watch.unref()

	for (let slot = 0; slot < count; slot++) fill(slot, start())
	try {
		await Promise.all(slots.map(({ listening }) => listening))
	} catch (error) {
		await close()
		throw error
	}
	const { url, grpc, trust } = await (slots[0] as Member).listening

	async function end(member: Member, drain: number): Promise<void> {
		const patience = drain + config.server.grace + beyond
		// One that does not listen yet has nothing to hand over.
		member.ask('end', drain).catch(() => {})
		await Promise.race([member.exited, sleep(patience, undefined, { ref: false })])
		member.process.process.kill('SIGKILL')
		await member.exited
	}

	async function replaceAll(): Promise<boolean> {
		try {
			config = await readConfig()
			for (const slot of slots.keys()) await replace(slot)
			return true
		} catch (error) {
			tell(`not reloaded, the workers of before go on: ${messageOf(error)}`)
			return false
		}
	}

	async function replace(slot: number): Promise<void> {
		const old = slots[slot] as Member
		const next = start()
		try {
			const late = sleep(startPatience, undefined, { ref: false }).then(() => `not ready within ${startPatience} ms`)
			const fault = await Promise.race([next.settled, late])
			// What did not answer before either is no worse now.
			if (fault !== undefined && (await Promise.race([old.settled, undefined])) === undefined) throw new Error(fault)
		} catch (error) {
			await end(next, 0)
			throw error
		}
		if (closing) return end(next, 0)
		fill(slot, next)
		shared.replaced('reload')
		await end(old, config.server.drain)
	}

	function close(): Promise<void> {
		closing ??= (async () => {
			clearInterval(watch)
			await Promise.all([...shared.members()].map((member) => end(member, 0)))
		})()
		return closing
	}

	return {
		url,
		grpc,
		trust,
		async ready() {
			for (const { settled } of slots) {
				const fault = await settled
				if (fault !== undefined) throw new Error(fault)
			}
		},
		reload() {
			reloading = reloading.then(replaceAll)
			return reloading
		},
		close,
	}
}
