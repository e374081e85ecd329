// `tabs.js`: one engine for all tabs of an origin, loaded beside the entry under `shared: true`.

import type { ModelReport } from '../device/control.ts'
import type { Ask } from '../page/ask.ts'
import { type Engine, engineSettings, startEngine as startOwn, type Told } from '../page/engine.ts'
import { environmentError } from '../page/environment.ts'
import type { Settings } from '../page/options.ts'
import { groupOf } from './group.ts'
import { Tab } from './tab.ts'

/** Each runtime is a tab of its own, over all engines that it uses one after the other. */
const tabs = new WeakMap<Settings, Promise<Tab>>()

/**
 * As the page's `startEngine`; the engine may be another tab's. Calls that wait when it is lost are for the caller to ask again.
 *
 * @param signal ends the tab's part in it all.
 * @throws SpillwayError also `unavailable` where none can be started (in a service worker) and no other tab hosts one.
 */
export async function startEngine(settings: Settings, signal: AbortSignal, onTold: (message: Told) => void): Promise<Engine> {
	const mayLead = 'Worker' in globalThis
	const error = environmentError()
	if (error && mayLead) throw error
	const start = (signal: AbortSignal, onTold: (message: Told) => void) => startOwn(settings, signal, onTold)

	const alone = async (why: string): Promise<Engine> => {
		const engine = await start(signal, onTold)
		const note = `the engine is not shared with other tabs: ${why}`
		const ask = async (...question: Parameters<Ask>) => {
			const told = await engine.ask(...question)
			return question[0] === 'explain' ? { ...(told as ModelReport), notes: [...(told as ModelReport).notes, note] } : told
		}
		return { ...engine, ask: ask as Ask }
	}

	const { locks } = navigator
	if (!locks || !globalThis.BroadcastChannel) return alone('this browser has no Web Locks, or no BroadcastChannel')
	let opened = tabs.get(settings)
	if (!opened) {
		opened = groupOf(engineSettings(settings)).then((name) => {
			signal.throwIfAborted()
			return new Tab({ name, mayLead, startEngine: start, disposal: signal, onTold, locks })
		})
		tabs.set(settings, opened)
	}
	const tab = await opened
	return (await tab.start()) ?? alone(tab.alone ?? '')
}
