// What a thread still holds: timers that wait, and listeners, abort controllers and channels that cannot be collected.

import type { Page, Worker } from 'playwright-core'

export interface Census {
	/** `setTimeout` and `setInterval` that are still to come. */
	timers: number
	/** Of targets that are alive. */
	listeners: number
	/** `AbortController`s that are alive: every call under way has some. */
	controllers: number
	/** `MessageChannel`s that are alive. */
	channels: number
}

declare global {
	var takeCensus: (() => Promise<Census>) | undefined
}

/** Chromium's, so that what is not held any more is not counted. */
export const censusFlags = ['--js-flags=--expose-gc']

/** Counts from now on. Its text also goes in front of workers' scripts. */
export function installCensus(): void {
	const timers = new Set<unknown>()
	const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis
	globalThis.setTimeout = ((handler: (...all: unknown[]) => void, delay?: number, ...more: unknown[]) => {
		const id: unknown = setTimeout(() => {
			timers.delete(id)
			handler(...more)
		}, delay)
		timers.add(id)
		return id
	}) as typeof setTimeout
	globalThis.setInterval = ((...all: Parameters<typeof setInterval>) => {
		const id = setInterval(...all)
		timers.add(id)
		return id
	}) as typeof setInterval
	globalThis.clearTimeout = globalThis.clearInterval = (id) => {
		timers.delete(id)
		clearTimeout(id)
		clearInterval(id)
	}

	/** Keys and callbacks may refer to one another: a weak map lets them go together. */
	const registered = new WeakMap<EventTarget, Map<string, EventListener>>()
	const targets = new Set<WeakRef<EventTarget>>()
	const names = new WeakMap<object, number>()
	let last = 0
	const keyOf = (type: string, callback: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions) => {
		if (!names.has(callback)) names.set(callback, ++last)
		return `${type} ${names.get(callback)} ${typeof options === 'boolean' ? options : (options?.capture ?? false)}`
	}
	const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype
	EventTarget.prototype.addEventListener = function (type, callback, options) {
		if (!callback) return
		const target = this ?? globalThis
		let own = registered.get(target)
		if (!own) {
			own = new Map()
			registered.set(target, own)
			targets.add(new WeakRef(target))
		}
		const key = keyOf(type, callback, options)
		if (own.has(key)) return
		const { once, signal } = typeof options === 'object' ? options : {}
		const listener: EventListener = (event) => {
			if (once) own.delete(key)
			if (typeof callback === 'function') callback.call(target, event)
			else callback.handleEvent(event)
		}
		own.set(key, listener)
		if (signal) add.call(signal, 'abort', () => own.delete(key), { once: true })
		add.call(target, type, listener, options)
	}
	EventTarget.prototype.removeEventListener = function (type, callback, options) {
		if (!callback) return
		const target = this ?? globalThis
		const own = registered.get(target)
		const key = keyOf(type, callback, options)
		remove.call(target, type, own?.get(key) ?? callback, options)
		own?.delete(key)
	}

	const watch = <T extends new () => object>(type: T): { type: T; alive(): number } => {
		const made = new Set<WeakRef<object>>()
		return {
			type: new Proxy(type, {
				construct(...all) {
					const one = Reflect.construct(...all)
					made.add(new WeakRef(one))
					return one
				},
			}),
			alive: () => alive(made).length,
		}
	}
	function alive<T extends object>(refs: Set<WeakRef<T>>): T[] {
		const found: T[] = []
		for (const ref of refs) {
			const one = ref.deref()
			if (one) found.push(one)
			else refs.delete(ref)
		}
		return found
	}
	const controllers = watch(AbortController)
	globalThis.AbortController = controllers.type
	const channels = watch(MessageChannel)
	globalThis.MessageChannel = channels.type

	globalThis.takeCensus = async () => {
		const { gc } = globalThis
		if (!gc) throw new Error('no gc: start the browser with censusFlags')
		// What is collected may let go of more, some of it in a later task.
		for (let i = 0; i < 4; i++) {
			await gc({ type: 'major', execution: 'async' })
			await new Promise((resolve) => setTimeout(resolve, 20))
		}
		return {
			timers: timers.size,
			listeners: alive(targets).reduce((sum, target) => sum + (registered.get(target)?.size ?? 0), 0),
			controllers: controllers.alive(),
			channels: channels.alive(),
		}
	}
}

/** A worker's script that counts from its start on. */
export const counting = (script: string): string => `(${installCensus})();\n${script}`

/** Counts in a page, or in a worker. */
export const censusOf = (thread: Page | Worker): Promise<Census> =>
	(thread as Page).evaluate(() => globalThis.takeCensus?.() ?? Promise.reject(new Error('nothing is counted here')))
