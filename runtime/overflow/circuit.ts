// A circuit: whether a server that fails is asked at all. Closed: everybody asks. Open: nobody does, for a while. Half open: one call
// tries whether it answers again, and the others do not rush after it.

import type { SpillwayError } from '../core/error.ts'

export interface CircuitOptions {
	/** Failures in a row that open it. Default 3. */
	readonly inRow?: number | undefined
	/** Share of failures that opens it, among the latest 20 calls of a minute, once there were 10. Default 0.5. */
	readonly rate?: number | undefined
	/** Milliseconds for which it is open at first; twice as long after each probe that fails, and a random part of it less. Default 1,000. */
	readonly pause?: number | undefined
	/** Milliseconds for which it is open at most, unless the server says when to come back. Default 30,000. */
	readonly longestPause?: number | undefined
	/** A number from 0 to 1, for the random part. */
	readonly random?: (() => number) | undefined
}

/** What a call says about the server: at its end (`hung` is worth as much as all failures together), or by the first part of its answer. */
export type Verdict = 'begun' | 'answered' | 'failed' | 'hung' | 'unknown'

/** A call's leave to be made, and whom to tell how it ended. */
export type Leave = (verdict: Verdict, error?: SpillwayError) => void

/** Why nothing is asked now. */
export interface Refusal {
	/** Milliseconds until another try makes sense. */
	readonly wait: number
	/** The failure that opened the circuit; absent while a probe is under way after the pause. */
	readonly error: SpillwayError | undefined
}

const latest = 20
const fewest = 10
const minute = 60_000
/** Milliseconds for which a probe holds the others off at most: on workerd one whose client leaves is cut off without a word. */
const longestProbe = 5_000
/** A server that says to come back later than this is tried all the same: it may have been a slip. */
const longestTold = 600_000

export interface Circuit {
	/** Why a call would better go elsewhere; undefined when it would be made. */
	readonly refusal: Refusal | undefined
	/**
	 * Asks for leave. While the circuit is not closed one call at a time gets it, as the probe: after the pause, or before, when there is
	 * nowhere else to go; but not before the time that the server itself has told. Who has not ended in 5 s makes room for another one.
	 *
	 * @param remaining milliseconds that the call may take; a probe that has not ended by then holds nobody off any more.
	 */
	enter(remaining: number): Leave | Refusal
	/** Closes it, and forgets. */
	reset(): void
}

export function makeCircuit({
	inRow = 3,
	rate = 0.5,
	pause = 1_000,
	longestPause = 30_000,
	random = Math.random,
}: CircuitOptions = {}): Circuit {
	let recent: { at: number; failed: boolean }[] = []
	let row = 0
	let opened: { until: number; told: boolean; error: SpillwayError | undefined } | undefined
	let nextPause = pause
	let probeUntil = 0
	/** Calls that began before the circuit was opened or closed say nothing about it any more. */
	let epoch = 0
	/** Probes that began before it was last closed say nothing any more; of the others an answer counts, however long it took. */
	let closings = 0

	function reset() {
		recent = []
		row = 0
		opened = undefined
		nextPause = pause
		probeUntil = 0
		epoch++
		closings++
	}

	function open(now: number, error: SpillwayError | undefined) {
		const told = error?.retryAfter
		opened = {
			until: now + (told === undefined ? nextPause * (1 - random() / 2) : Math.min(told, longestTold)),
			told: told !== undefined,
			error,
		}
		if (told === undefined) nextPause = Math.min(longestPause, nextPause * 2)
		probeUntil = 0
		epoch++
	}

	function count(now: number, failed: boolean) {
		recent = [...recent, { at: now, failed }].filter(({ at }) => now - at < minute).slice(-latest)
		row = failed ? row + 1 : 0
	}

	function tooMany(): boolean {
		const failures = recent.filter(({ failed }) => failed).length
		return row >= inRow || (recent.length >= fewest && failures >= recent.length * rate)
	}

	return {
		get refusal() {
			if (!opened) return undefined
			const now = performance.now()
			if (now < opened.until) return { wait: opened.until - now, error: opened.error }
			return now < probeUntil ? { wait: nextPause, error: undefined } : undefined
		},
		enter(remaining) {
			const begun = epoch
			if (!opened)
				return (verdict, error) => {
					if (begun !== epoch || verdict === 'unknown' || verdict === 'begun') return
					const then = performance.now()
					count(then, verdict !== 'answered')
					if (verdict === 'hung' || (verdict === 'failed' && (error?.retryAfter !== undefined || tooMany()))) open(then, error)
				}
			const now = performance.now()
			const wait = Math.max(0, opened.until - now)
			if (now < probeUntil || (opened.told && wait > 0)) return { wait: wait || nextPause, error: opened.error }
			const until = now + Math.min(remaining, longestProbe)
			const born = closings
			probeUntil = until
			return (verdict, error) => {
				// The others need not wait for the end of a long answer.
				const answers = verdict === 'answered' || verdict === 'begun'
				if (answers && born === closings) reset()
				if (answers || begun !== epoch) return
				if (verdict !== 'unknown') open(performance.now(), error)
				// Another one may be on its way by now.
				else if (probeUntil === until) probeUntil = 0
			}
		},
		reset,
	}
}
