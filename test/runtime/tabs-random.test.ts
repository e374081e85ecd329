// Tabs that come, go and lose their engine at random.

import { expect, test } from 'vitest'
import type { SpillwayError } from '../../runtime/core/error.ts'
import type { Engine } from '../../runtime/page/engine.ts'
import { infer, origin, start } from './tabs-origin.ts'
import type { SimulatedTab } from './tabs-sim.ts'

test('whatever happens: every call of a tab that stays is answered, and there is one engine in the end', { timeout: 60_000 }, async () => {
	const random = seeded(7)
	const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
	const name = crypto.randomUUID()
	const calls: { tab: SimulatedTab; outcome: Promise<string> }[] = []
	let tabs: SimulatedTab[] = []
	let opened = 0
	const open = () => tabs.push(origin.open(`tab-${opened++}`, { name }))
	for (let i = 0; i < 4; i++) open()

	/** As a page does: one engine for all its calls, until it is lost. */
	const engines = new Map<SimulatedTab, Promise<Engine>>()
	const engineOf = (tab: SimulatedTab) => {
		const used = engines.get(tab) ?? start(tab)
		engines.set(tab, used)
		const over = () => engines.get(tab) === used && engines.delete(tab)
		used.then((engine) => (engine.over.aborted ? over() : engine.over.addEventListener('abort', over)), over)
		return used
	}
	/** Once more in the next engine, as often as one is lost. */
	const answered = async (tab: SimulatedTab) => {
		for (;;) {
			let engine: Engine | undefined
			try {
				engine = await engineOf(tab)
				return (await infer(engine, pick(['m', 'n']))).ran.model && 'answered'
			} catch (error) {
				const { code } = error as SpillwayError
				if (code !== 'worker-lost' && !(engine?.over.aborted && code !== 'disposed')) return code
			}
		}
	}
	const steps = {
		call: () => {
			const tab = pick(tabs)
			calls.push({ tab, outcome: answered(tab) })
		},
		open: () => tabs.length < 6 && open(),
		dispose: () => {
			if (tabs.length < 3) return
			const tab = pick(tabs)
			tabs = tabs.filter((one) => one !== tab)
			tab.dispose()
		},
		'kill the engine': () => origin.running()[0]?.kill(),
		// As by a tab that found the leader silent, and is closed at once.
		'take the seat': () => origin.locks.of('thief').request(name, { steal: true }, () => {}),
	}
	for (let i = 0; i < 400; i++) {
		const step = pick(['call', 'call', 'call', 'call', 'call', 'open', 'dispose', 'kill the engine', 'take the seat'] as const)
		steps[step]()
		await new Promise((resolve) => setTimeout(resolve, random() * 12))
	}
	const outcomes = await Promise.all(calls.map(async ({ tab, outcome }) => ({ stays: tabs.includes(tab), outcome: await outcome })))
	expect(new Set(outcomes.filter(({ stays }) => stays).map(({ outcome }) => outcome))).toEqual(new Set(['answered']))
	expect(outcomes.map(({ outcome }) => outcome).filter((outcome) => !['answered', 'disposed'].includes(outcome))).toEqual([])
	await Promise.all(tabs.map(async (tab) => infer(await engineOf(tab))))
	expect(origin.running()).toHaveLength(1)
	expect(tabs.filter(({ tab }) => tab.alone)).toEqual([])
})

/** https://en.wikipedia.org/wiki/Xorshift */
function seeded(seed: number): () => number {
	let state = seed
	return () => {
		state ^= state << 13
		state ^= state >>> 17
		state ^= state << 5
		return (state >>> 0) / 2 ** 32
	}
}
