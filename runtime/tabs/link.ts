// A tab's end of its link to an engine that another tab hosts: the same interface as an engine of its own.

import type { SpillwayError } from '../core/error.ts'
import type { EngineControl, Outcome } from '../device/control.ts'
import { unwrap } from '../device/control.ts'
import { watchLifeline } from '../device/lifeline.ts'
import { callOver, type Port } from '../device/port.ts'
import type { Ask } from '../page/ask.ts'
import type { Engine, Told } from '../page/engine.ts'
import { linkName, type ToEngine, type ToTab } from './protocol.ts'
import { watchSilence } from './silence.ts'

export interface LinkOptions {
	/** The Web Lock that the engine holds. */
	engine: string
	/** The Web Lock that this tab holds. */
	tab: string
	/** Number of the link, another one each time. */
	link: number
	/** Says on the channel of all tabs that this link is open. */
	attach(): void
	onTold(message: Told): void
	/** The engine says nothing any more, though it is asked whether it is there. */
	onSilence(): void
	/** What the link ends with when the engine is gone. */
	lost(why: string): SpillwayError
	locks: LockManager
}

export interface Link extends Engine {
	/** Ends this side of it; what is under way rejects with `error`. */
	end(error: SpillwayError): void
}

/** @throws SpillwayError what `lost` makes, when the engine is gone before it has answered. */
export async function openLink(options: LinkOptions): Promise<Link> {
	const { engine, tab, link: number, attach, onTold, onSilence, lost, locks } = options
	const over = new AbortController()
	const ended = new Promise<never>((_, reject) => over.signal.addEventListener('abort', () => reject(over.signal.reason)))
	ended.catch(() => {}) // Of interest only to who asks.

	const channel = new BroadcastChannel(linkName({ engine, tab, link: number }))
	const say = (message: ToEngine) => over.signal.aborted || channel.postMessage(message)
	const port: Port = { onmessage: null, onmessageerror: null, postMessage: (message) => say(message as ToEngine), close() {} }
	/** Told before the link stands; should it come to nothing, it was never said. */
	const early: Told[] = []
	let welcome = false
	const caller = callOver(port, 'the shared engine', (message) => (welcome ? onTold(message) : early.push(message)))
	const asked = new Map<number, (outcome: Outcome<unknown>) => void>()
	let questions = 0
	const welcomed = new Promise<void>((resolve) => {
		channel.onmessage = (event: MessageEvent<ToTab>) => {
			silence.broken()
			const { data } = event
			if (data.type === 'welcome') {
				welcome = true
				early.splice(0).forEach(onTold)
				resolve()
			} else if (data.type === 'bye') end(lost('its tab has closed it'))
			else if (data.type === 'told') {
				asked.get(data.id)?.(data.outcome)
				asked.delete(data.id)
			} else if (data.type !== 'pong') port.onmessage?.(event)
		}
	})
	channel.onmessageerror = (event) => port.onmessageerror?.(event)

	const silence = watchSilence(
		() => (welcome ? say({ type: 'ping' }) : attach()),
		() => {
			end(lost('it does not answer'))
			onSilence()
		},
	)

	function end(error: SpillwayError) {
		over.abort(error)
		silence.end()
		caller.close(error)
		channel.close()
	}

	const ask = (method: keyof EngineControl, parameters: unknown[]) => {
		over.signal.throwIfAborted()
		const id = ++questions
		return new Promise<Outcome<unknown>>((resolve) => {
			asked.set(id, resolve)
			say({ type: 'ask', id, method, parameters })
		})
	}

	watchLifeline(engine, over.signal, () => end(lost('its tab is gone')), locks)
	attach()
	await silence.during(Promise.race([welcomed, ended]))
	return {
		infer: (call, context) => silence.during(caller.infer(call, context)),
		over: over.signal,
		ask: (async (...question: Parameters<Ask>) =>
			unwrap(await silence.during(Promise.race([ask(question[0], question[1]), ended])))) as Ask,
		async stop(error) {
			end(error)
		},
		end,
	}
}
