// Messages between the tabs of an origin and the engine that one of them hosts: plain data over broadcast channels.

import type { Outcome } from '../device/control.ts'
import type { Reply, Request } from '../device/protocol.ts'

/** A tab looks for the engine. Answered by `here`, or by `starting`. */
export interface WhoMessage {
	type: 'who'
}

/** The engine is there. Told by itself: when asked, and when it has started. */
export interface HereMessage {
	type: 'here'
	/** The Web Lock that it holds while it lives. */
	engine: string
	/** The client id, as Web Locks know it, of the tab that hosts it. Who does not hold the seat is not believed. */
	leader: string
}

/** The leader has no engine yet, but is about to. */
export interface StartingMessage {
	type: 'starting'
}

/** A tab opens a link to the engine: a channel of its own. Answered by `welcome` on it; repeated until then. */
export interface AttachMessage {
	type: 'attach'
	engine: string
	/** The Web Lock that the tab holds while it wants the engine. */
	tab: string
	/** Another one each time that the tab attaches: what is still under way on the one before is given up. */
	link: number
}

/** On the channel that all tabs and engines with the same settings share. */
export type HallMessage = WhoMessage | HereMessage | StartingMessage | AttachMessage

export interface AskMessage {
	type: 'ask'
	id: number
	/** Of `EngineControl`. */
	method: string
	parameters: unknown[]
}

/** Is anybody there? Answered by `pong`. Sent while a call waits, never else. */
export interface PingMessage {
	type: 'ping'
}

/** From a tab to the engine, on their own channel. */
export type ToEngine = Request | AskMessage | PingMessage

export interface ToldMessage {
	type: 'told'
	id: number
	outcome: Outcome<unknown>
}

export interface SignalMessage {
	/** `bye`: the engine ends in order; what it says after that does not count. */
	type: 'welcome' | 'pong' | 'bye'
}

/** From the engine to a tab, on their own channel. */
export type ToTab = Reply | ToldMessage | SignalMessage

/** Name of the channel of one link. */
export const linkName = ({ engine, tab, link }: Omit<AttachMessage, 'type'>): string => `${engine} ${tab} ${link}`
