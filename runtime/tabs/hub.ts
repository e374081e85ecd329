// The engine's end of all tabs: links that come and go, and claims, so that what one tab gives up stays for the others.

import { type EngineControl, type ModelReport, outcomeOf } from '../device/control.ts'
import { watchLifeline } from '../device/lifeline.ts'
import type { Port } from '../device/port.ts'
import { Claims } from './claims.ts'
import { type AskMessage, type AttachMessage, type HallMessage, linkName, type ToEngine, type ToTab } from './protocol.ts'

/** What an engine can do that has one page. */
export type OwnControl = Omit<EngineControl, 'connect' | 'share'>

/** The tab that started the engine, among those that want models. */
const host = 'host'

interface Link {
	readonly number: number
	say(message: ToTab): void
	/** Aborts what is under way for the tab. */
	end(): void
}

/**
 * Makes an engine's control one that tabs may share. Until `share` is called it behaves as before.
 *
 * @param connect answers calls on a port and tells it of models, until the returned function is called.
 * @param locks for tests.
 */
export function shareable(control: OwnControl, connect: (port: Port) => () => void, locks = navigator.locks): EngineControl {
	const claims = new Claims((model) => control.unload(model))
	/** Which tabs wait for which updates. */
	const updates = new Claims((model) => control.stopUpdating(model))
	const links = new Map<string, Link>()
	const life = new AbortController()
	let engine = ''
	let hall: BroadcastChannel | undefined

	/** What a tab may ask of the engine, with regard to the others. */
	const asTab = (tab: string) => {
		const { configure, dispose, ...methods } = control
		return {
			...methods,
			async load(...wanted) {
				const [model] = wanted
				claims.add(tab, model)
				const outcome = await control.load(...wanted)
				if (!outcome.ok) claims.drop(tab, model)
				return outcome
			},
			stopLoading: (model) => claims.drop(tab, model) && control.stopLoading(model),
			async update(...wanted) {
				const [model] = wanted
				updates.add(tab, model)
				const outcome = await control.update(...wanted)
				updates.drop(tab, model)
				return outcome
			},
			stopUpdating: (model) => updates.drop(tab, model) && control.stopUpdating(model),
			unload: async (model) => {
				if (claims.drop(tab, model)) await control.unload(model)
			},
			explain(model) {
				const report: ModelReport = control.explain(model)
				if (hall) report.tabs = { count: links.size + 1, leads: tab === host }
				return report
			},
		} satisfies Partial<EngineControl>
	}

	function openLink(attach: AttachMessage): Link {
		const { tab, link: number } = attach
		const channel = new BroadcastChannel(linkName(attach))
		const methods = asTab(tab)
		let open = true
		const say = (message: ToTab) => open && channel.postMessage(message)
		const port: Port = { onmessage: null, onmessageerror: null, postMessage: (message) => say(message as ToTab), close() {}, afar: true }
		const undo = connect(claiming(port, tab))
		channel.onmessage = (event: MessageEvent<ToEngine>) => {
			if (event.data.type === 'ping') say({ type: 'pong' })
			else if (event.data.type === 'ask') answer(event.data)
			else port.onmessage?.(event)
		}
		return {
			number,
			say,
			end() {
				open = false
				undo()
				channel.close()
			},
		}

		async function answer({ id, method, parameters }: AskMessage) {
			const asked = methods[method as keyof typeof methods] as (...parameters: unknown[]) => unknown
			say({ type: 'told', id, outcome: await outcomeOf(() => asked(...parameters)) })
		}
	}

	/** The same port; who calls a model claims it. */
	function claiming(port: Port, tab: string): Port {
		const claimed: Port = {
			onmessage: null,
			onmessageerror: null,
			postMessage: (message, transfer) => port.postMessage(message, transfer),
			close: () => port.close(),
			afar: port.afar ?? false,
		}
		port.onmessage = (event) => {
			if (event.data.type === 'call') claims.add(tab, event.data.call.model.name)
			return claimed.onmessage?.(event)
		}
		return claimed
	}

	function attach(message: AttachMessage) {
		const { tab, link } = message
		const before = links.get(tab)
		if (before?.number !== link) {
			before?.end()
			links.set(tab, openLink(message))
		}
		links.get(tab)?.say({ type: 'welcome' })
		if (before) return
		watchLifeline(
			tab,
			life.signal,
			() => {
				links.get(tab)?.end()
				links.delete(tab)
				claims.leave(tab)
				updates.leave(tab)
			},
			locks,
		)
	}

	return {
		...control,
		...asTab(host),
		async configure(settings) {
			const outcome = await control.configure(settings)
			if (outcome.ok) engine = outcome.value.lock
			return outcome
		},
		connect: (port) => void connect(claiming(port, host)),
		share(group, leader) {
			const channel = new BroadcastChannel(group)
			const here = () => channel.postMessage({ type: 'here', engine, leader } satisfies HallMessage)
			channel.onmessage = ({ data }: MessageEvent<HallMessage>) => {
				if (data.type === 'who') here()
				else if (data.type === 'attach' && data.engine === engine) attach(data)
			}
			hall = channel
			here()
		},
		async dispose() {
			life.abort()
			hall?.close()
			for (const link of links.values()) {
				// Before its calls fail: they are asked again elsewhere.
				link.say({ type: 'bye' })
				link.end()
			}
			await control.dispose()
		},
	}
}
