// What is known of an upstream, whichever models it answers: one for each, for as long as its configuration lives.

import { type Health, health } from './health.ts'
import { type UpstreamLoad, upstreamLoad } from './load.ts'

export interface UpstreamState {
	readonly load: UpstreamLoad
	readonly health: Health
	/** Who is told when it is up again after it was not. */
	readonly onBack: Set<() => void>
}

export interface StateOptions {
	/** Whether it says that it is up; never rejects. */
	ask(): Promise<boolean>
	/** See `load.ts`, as the next one. */
	readonly across: boolean
	readonly capacity: number | undefined
}

/** Of the upstream's configuration, as `kinds.ts` has it. */
interface Upstream {
	readonly name: string
}

const states = new WeakMap<Upstream, UpstreamState>()

export function stateOf(upstream: Upstream, { ask, across, capacity }: StateOptions): UpstreamState {
	const known = states.get(upstream)
	if (known) return known
	const onBack = new Set<() => void>()
	const made: UpstreamState = {
		load: upstreamLoad({ name: upstream.name, capacity, across }),
		health: health(ask, () => {
			for (const back of onBack) back()
		}),
		onBack,
	}
	states.set(upstream, made)
	return made
}
