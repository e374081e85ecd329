// Which kind of session worker is the best here: found out in the background, correctness first, then speed.

import { SpillwayError } from '../../core/error.ts'
import type { Member } from '../member.ts'
import { type Kind, nameOf, sameWorkers } from './kind.ts'
import { measure, type Sample } from './measure.ts'
import type { Record } from './record.ts'
import type { Stillness } from './stillness.ts'
import type { Trial } from './trial.ts'

export interface TrialsOptions {
	/** One worker of it is what all others are held against. */
	reference: Kind
	/** Those that could serve, likely winners first. */
	kinds: readonly Kind[]
	samples: readonly Sample[]
	/** Starts a worker of a kind that has answered the golden samples rightly. */
	start(kind: Kind, signal: AbortSignal): Promise<Member>
	/** Gets what a kind needs and is not here yet. Calls are not delayed by that. */
	obtain(kind: Kind, signal: AbortSignal): Promise<void>
	/** What the GPU is called, for kinds that use one. */
	deviceOf(kind: Kind): string | null
	record: Record
	stillness: Stillness
	/** Ends everything. */
	signal: AbortSignal
	/** Told after each trial. */
	onTrial(trials: readonly Trial[]): void
	limits?: Partial<Limits>
}

export interface Limits {
	/** Milliseconds without a call before a trial begins. Default: 1,000. */
	pause: number
	/** Milliseconds that one trial may take. Default: 20,000. */
	trial: number
	/** Milliseconds that all trials together may take. Default: 30,000. */
	all: number
	/** Milliseconds until it is measured again what was measured while the device was busy. Default: 10,000. */
	again: number
}

/** Rates so far below the best need not be known exactly. */
const hopeless = 0.5

/** Times the rate of one worker: several that do not even reach that are measured again. */
const doubted = 1.2

/** Times that a kind is measured on a device that is busy each time. */
const mostUnsteady = 3

/** Trouble of the moment, which says nothing about the kind. */
const passing: ReadonlySet<string> = new Set([
	'network',
	'not-found',
	'out-of-memory',
	'storage-full',
	'environment',
	'upstream',
	'unavailable',
])

/**
 * Measures what was not measured before. A call that comes in breaks a trial off, and it is begun again when all is still; what was found out
 * about other kinds stays.
 *
 * @returns all trials, also those of earlier times; never rejects but with what `signal` aborts with.
 */
export async function runTrials(options: TrialsOptions): Promise<Trial[]> {
	const { reference, kinds, record, stillness, signal, onTrial } = options
	const limits: Limits = { pause: 1000, trial: 20_000, all: 30_000, again: 10_000, ...options.limits }
	const wanted = new Set([reference, ...kinds].map(nameOf))
	const trials = (await record.recall()).filter((trial) => wanted.has(nameOf(trial)))
	/** Those of the moment are not kept. */
	const fleeting = new Set<Trial>()
	/** How often a kind was measured while the device was busy. */
	const unsteady = new Map<string, number>()
	let left = limits.all

	const undone = () => kinds.filter((kind) => !trials.some((trial) => nameOf(trial) === nameOf(kind)))
	async function found(kind: Kind, result: Partial<Trial>, keep = true): Promise<void> {
		const { provider, threads, workers, build } = kind
		const empty = { golden: null, rate: null, gain: null, latency: null, memory: 0, refused: null, busy: false }
		const trial: Trial = { provider, threads, workers, build, ...empty, device: options.deviceOf(kind), ...result }
		const before = trials.findIndex((other) => nameOf(other) === nameOf(trial))
		if (before >= 0) trials.splice(before, 1)
		trials.push(trial)
		if (!keep) fleeting.add(trial)
		await record.keep(trials.filter((trial) => !fleeting.has(trial))).catch(() => {})
		onTrial(trials)
	}
	const refuse = (kind: Kind, error: SpillwayError) =>
		found(kind, { golden: error.code === 'golden-mismatch' ? 'failed' : null, refused: error.message }, !passing.has(error.code))

	/** All that is left to try, one after another, until somebody asks for something. */
	async function session(signal: AbortSignal): Promise<void> {
		const began = performance.now()
		/** Workers of the reference's kind; the first of them is the reference. */
		const plain: Member[] = []
		const others: Member[] = []
		const end = (members: Member[]) => {
			for (const member of members.splice(0)) member.end(new SpillwayError('disposed', 'the trial is over'))
		}
		const endAll = () => {
			end(others)
			end(plain)
		}
		signal.addEventListener('abort', endAll, { once: true })
		const fill = async (members: Member[], kind: Kind, count: number, signal: AbortSignal) => {
			const missing = Math.max(0, count - members.length)
			const started = await Promise.allSettled(Array.from({ length: missing }, () => options.start(kind, signal)))
			for (const one of started) if (one.status === 'fulfilled') members.push(one.value)
			if (signal.aborted) endAll()
			for (const one of started) if (one.status === 'rejected') throw one.reason
		}

		/** @throws what tells something about the kind. */
		async function attempt(kind: Kind, signal: AbortSignal): Promise<void> {
			await fill(plain, reference, 1, signal)
			const members = sameWorkers(kind, reference) ? plain : others
			if (members === others) end(plain.splice(1))
			await fill(members, kind, kind.workers, signal)
			const best = Math.max(1, ...trials.map(({ gain }) => gain ?? 0))
			const used = members.slice(0, kind.workers)
			const speed = await measure({
				samples: options.samples,
				reference: plain[0] as Member,
				members: used,
				hopeless: best * hopeless,
				signal,
			})
			const memory = used.every((one) => one.memory > 0) ? used.reduce((sum, one) => sum + one.memory, 0) : 0
			const { rate, gain, latency, steady } = speed
			// Other programs may keep the processors busy all the time: then several workers seem as good as one.
			const doubtful = !steady || (members === plain && used.length > 1 && gain < doubted)
			const times = (unsteady.get(nameOf(kind)) ?? 0) + (doubtful ? 1 : 0)
			unsteady.set(nameOf(kind), times)
			if (doubtful && times < mostUnsteady) return
			await found(kind, { golden: 'passed', rate, gain, latency, memory, busy: !steady }, !doubtful)
			if (!trials.some((trial) => nameOf(trial) === nameOf(reference)))
				await found(reference, { golden: 'passed', ...speed.reference, gain: 1, memory: plain[0]?.memory ?? 0 }, steady)
		}

		try {
			for (const kind of undone()) {
				if (!arrived.has(kind)) continue
				if (performance.now() - began > left) return
				await limited(limits.trial, signal, endAll, (signal) => attempt(kind, signal)).catch(async (thrown) => {
					if (signal.aborted) throw thrown
					if (plain.some((member) => member.over.aborted)) end(plain)
					await refuse(kind, SpillwayError.from(thrown))
				})
				end(others)
			}
		} finally {
			signal.removeEventListener('abort', endAll)
			endAll()
			left -= performance.now() - began
		}
	}

	onTrial(trials)
	/** Kinds of which everything is here. */
	const arrived = new Set<Kind>()
	const arriving = new Map<Kind, Promise<unknown>>()
	for (const kind of undone()) {
		const obtained = options.obtain(kind, signal).then(
			() => arrived.add(kind),
			(error) => (signal.aborted ? undefined : refuse(kind, SpillwayError.from(error))),
		)
		arriving.set(
			kind,
			obtained.finally(() => arriving.delete(kind)),
		)
	}
	while (undone().length > 0 && left > 0) {
		if (!undone().some((kind) => arrived.has(kind))) {
			await Promise.race(arriving.values())
			signal.throwIfAborted()
			continue
		}
		try {
			await stillness.when(limits.pause, signal, session)
		} catch (error) {
			// Broken off by a call: again later.
			if (signal.aborted) throw error
			continue
		}
		if (undone().some((kind) => unsteady.has(nameOf(kind)))) await sleep(limits.again, signal)
	}
	for (const kind of undone()) await found(kind, { refused: 'the time for trials was used up: it will be tried next time' }, false)
	return trials
}

/** Aborts the work after so many milliseconds, and calls `onLate`. @throws what it throws, or `deadline-exceeded`. */
async function limited(
	limit: number,
	signal: AbortSignal,
	onLate: () => void,
	work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
	const late = new AbortController()
	const error = new SpillwayError('deadline-exceeded', `was not measured within ${Math.round(limit / 1000)} s`)
	const timer = setTimeout(() => {
		late.abort(error)
		onLate()
	}, limit)
	try {
		await work(AbortSignal.any([signal, late.signal]))
	} catch (thrown) {
		throw late.signal.aborted ? error : thrown
	} finally {
		clearTimeout(timer)
	}
}

/** @throws what the signal aborts with. */
async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
	await new Promise<void>((resolve) => {
		const wake = () => {
			clearTimeout(timer)
			signal.removeEventListener('abort', wake)
			resolve()
		}
		const timer = setTimeout(wake, milliseconds)
		signal.addEventListener('abort', wake, { once: true })
	})
	signal.throwIfAborted()
}
