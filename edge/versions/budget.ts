// Memory for models: who has it, who used it longest ago, and who gives it back when another one needs it.

import { SpillwayError } from '../../runtime/core/error.ts'

/** Something that is loaded. */
export interface Resident {
	/** For people, e.g. `minilm 1.0.1`. */
	readonly what: string
	/** Whether it must stay. */
	kept(): boolean
	/** Whether calls are under way in it. */
	busy(): boolean
	/** Gives its memory back: calls `free` before it resolves, whatever happens. */
	unload(): Promise<void>
}

export interface MemoryBudget {
	/** Bytes, all in all. */
	readonly limit: number
	/** Bytes that are taken. */
	readonly used: number
	/**
	 * Takes memory for a resident, and has those unloaded that were used longest ago, are not busy and need not be kept, until there is room.
	 * @throws SpillwayError `out-of-memory` when it could never fit; `unavailable` when those that are there are all in use.
	 */
	take(resident: Resident, bytes: number): Promise<void>
	/** It is used now. */
	touch(resident: Resident): void
	/** Some of what is there may be idle now. */
	idle(): void
	/** Gives back what it took, if it did. */
	free(resident: Resident): void
}

/** Milliseconds after which who found no room may find some. */
const comeBack = 1_000

/**
 * @param limit bytes. Models' files are counted, and what sessions take beside them is not: leave room for it.
 * @param patience milliseconds for which a load waits for others to become idle. Default 10,000; 0 where requests must not wait for one
 *   another (workerd issue 210).
 */
export function memoryBudget(limit: number, { patience = 10_000 }: { patience?: number } = {}): MemoryBudget {
	/** In the order of their last use. */
	const residents = new Map<Resident, number>()
	let used = 0
	let waiting: (() => void)[] = []

	const changed = () => {
		const woken = waiting
		waiting = []
		for (const wake of woken) wake()
	}

	/** Has one unloaded, or waits until that may be possible. */
	async function makeRoom(what: string, bytes: number, until: number): Promise<void> {
		const last = [...residents.keys()].find((one) => !one.kept() && !one.busy())
		if (last) return last.unload()
		const left = until - performance.now()
		if (left <= 0) throw full(what, bytes)
		await new Promise<void>((resolve) => {
			const timer = setTimeout(resolve, left)
			waiting.push(() => {
				clearTimeout(timer)
				resolve()
			})
		})
	}

	function full(what: string, bytes: number): SpillwayError {
		const others = [...residents].map(([{ what }, size]) => `${what} (${megabytes(size)})`)
		return new SpillwayError(
			'unavailable',
			`${what} needs ${megabytes(bytes)} of the ${megabytes(limit)} for models, which are in use: ${others.join(', ')}`,
			{ retryAfter: comeBack },
		)
	}

	return {
		limit,
		get used() {
			return used
		},
		async take(resident, bytes) {
			if (bytes > limit)
				throw new SpillwayError(
					'out-of-memory',
					`${resident.what} needs ${megabytes(bytes)}, and ${megabytes(limit)} are for models: raise "server.memory"`,
				)
			const until = performance.now() + patience
			while (used + bytes > limit) await makeRoom(resident.what, bytes, until)
			// Nothing is awaited between the last look and this: of several that wait, one gets the room.
			used += bytes
			residents.set(resident, bytes)
		},
		touch(resident) {
			const bytes = residents.get(resident)
			if (bytes === undefined) return
			residents.delete(resident)
			residents.set(resident, bytes)
		},
		idle: changed,
		free(resident) {
			used -= residents.get(resident) ?? 0
			if (residents.delete(resident)) changed()
		},
	}
}

const megabytes = (bytes: number): string => `${Number((bytes / 2 ** 20).toFixed(1))} MiB`
