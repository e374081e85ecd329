// The course of a load, from what the engine tells of its progress.

import type { Progress } from '../device/protocol.ts'
import type { LoadPhase } from './wire.ts'

export interface Timeline {
	/** Milliseconds that each phase took, those that have ended. */
	readonly phases: readonly { readonly phase: Exclude<LoadPhase, 'whole'>; readonly start: number; readonly time: number }[]
	/** Bytes from the network and from the browser's storage. */
	readonly downloaded: number
	readonly stored: number
}

export interface Timelines {
	/** @param at `performance.now()` when it was told. */
	progress(progress: Progress, at: number): void
	/** The timeline of the model's load, which is over; none when nothing was to be loaded. */
	end(model: string, at: number): Timeline | undefined
}

/** Models whose loads are followed at a time. */
const mostModels = 16

/** Follows the loads of all models of a page. */
export function followLoads(): Timelines {
	const underWay = new Map<string, { began: number; progress: Progress; phases: Timeline['phases'] }>()

	return {
		progress(progress, at) {
			const { model, phase } = progress
			const before = underWay.get(model)
			// Its last word may come after the load has been told of.
			if (!before && phase === 'ready') return
			// A load that somebody else wanted, or the first word of a new one.
			if (!before && underWay.size >= mostModels) underWay.clear()
			if (!before || before.progress.phase === 'ready') underWay.set(model, { began: at, progress, phases: [] })
			else if (before.progress.phase === phase) underWay.set(model, { ...before, progress })
			else underWay.set(model, { began: at, progress, phases: ended(before, at) })
		},
		end(model, at) {
			const found = underWay.get(model)
			underWay.delete(model)
			if (!found) return undefined
			const { loaded, stored } = found.progress
			return { phases: ended(found, at), downloaded: Math.max(0, loaded - stored), stored }
		},
	}
}

function ended({ began, progress: { phase }, phases }: { began: number; progress: Progress; phases: Timeline['phases'] }, at: number) {
	return phase === 'ready' ? phases : [...phases, { phase, start: began, time: at - began }]
}
