// `performance.measure` entries: the browser's own tools show where time went, on a track of their own.

import type { CallObservation, LoadObservation } from './observation.ts'
import type { Timeline } from './timeline.ts'

/** Entries that stay readable by `performance.getEntriesByType`; tools and observers have seen older ones when they are cleared. */
const most = 100

export interface Marks {
	call(observation: CallObservation, at: number): void
	load(observation: LoadObservation, at: number, timeline: Timeline): void
	/** Removes what is there. */
	clear(): void
}

/** @param timeline the page's `performance`. */
export function makeMarks(timeline: Pick<Performance, 'measure' | 'clearMeasures'>): Marks {
	const names = new Set<string>()
	let count = 0

	function clear() {
		for (const name of names) timeline.clearMeasures(name)
		names.clear()
		count = 0
	}

	function mark(name: string, start: number, end: number, facts: Record<string, unknown> = {}) {
		if (count >= most) clear()
		names.add(name)
		count++
		// https://developer.chrome.com/docs/devtools/performance/extension
		const devtools = {
			dataType: 'track-entry',
			track: 'Spillway',
			properties: Object.entries(facts).map(([key, value]) => [key, `${value}`]),
		}
		timeline.measure(name, { start: Math.max(0, start), end: Math.max(0, end), detail: { ...facts, devtools } })
	}

	return {
		call({ model, operation, start, ran, error }, at) {
			const name = `spillway ${model}`
			if (!ran) return mark(`${name} ${operation}`, start, at, { error })
			const { executor, provider, variant, queue, run, batch, hops } = ran
			mark(`${name} ${operation}`, start, at, { executor, provider, variant, queue, run, batch, hops, overflow: wordsFor(ran.overflow) })
			// Where the run stood between call and answer is known only of this device: at its end.
			if (hops > 0 || run === null) return
			const began = Math.max(start, at - run)
			mark(`${name} run`, began, at, { provider, batch })
			if (queue) mark(`${name} queue`, Math.max(start, began - queue), began)
		},
		load({ model, start, error }, at, { phases, downloaded, stored }) {
			mark(`spillway ${model} load`, start, at, { downloaded, stored, ...(error && { error }) })
			for (const { phase, start, time } of phases) mark(`spillway ${model} load ${phase}`, start, start + time)
		},
		clear,
	}
}

const wordsFor = (overflow: readonly { executor: string; reason: string }[]): string =>
	overflow.map(({ executor, reason }) => `${executor}: ${reason}`).join(', ')
