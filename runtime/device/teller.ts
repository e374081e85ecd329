// Tells pages how models stand and how loads go, often enough to be true and seldom enough to cost nothing.

import type { Port } from './port.ts'
import type { LineMessage, Progress, ProgressMessage, StateMessage } from './protocol.ts'

/** Milliseconds between two messages about the same thing. */
const interval = 50

export class Teller {
	readonly #ports = new Set<Port>()
	readonly #stateOf: (model: string) => StateMessage
	/** What each model was last said to be able to. */
	readonly #said = new Map<string, string>()
	readonly #changing = new Set<string>()
	readonly #waiting = new Map<string, ReturnType<typeof setTimeout>>()
	readonly #progressed = new Map<string, { phase: string; time: number }>()

	constructor(stateOf: (model: string) => StateMessage) {
		this.#stateOf = stateOf
	}

	/** Tells the port of all models, and of every change from now on. */
	add(port: Port, models: readonly string[]): void {
		this.#ports.add(port)
		for (const model of models) port.postMessage(this.#stateOf(model))
	}

	/** Hands a line over to the page of this engine. */
	line(line: LineMessage): void {
		const own = Array.from(this.#ports).find(({ afar }) => !afar)
		own?.postMessage(line, [line.port])
	}

	/** Its other end is gone. */
	remove(port: Port): void {
		this.#ports.delete(port)
	}

	/** Tells of it once all that happens in this moment has happened: a call changes its model's state several times. */
	changed(model: string): void {
		if (this.#changing.has(model)) return
		this.#changing.add(model)
		queueMicrotask(() => {
			this.#changing.delete(model)
			this.#consider(model)
		})
	}

	/** Tells at once when the model can do other than before, else within the interval. */
	#consider(model: string): void {
		if (this.#ports.size === 0) return
		const state = this.#stateOf(model)
		const { version, estimate } = state
		const said = `${version} ${estimate.can} ${estimate.reason}`
		if (said !== this.#said.get(model)) {
			this.#said.set(model, said)
			this.#tell(state)
		} else if (!this.#waiting.has(model))
			this.#waiting.set(
				model,
				setTimeout(() => {
					this.#waiting.delete(model)
					this.#tell(this.#stateOf(model))
				}, interval),
			)
	}

	/** Passes over what follows too soon within the same phase; the last of a phase is always told. */
	progress(progress: Progress): void {
		const { model, phase, loaded, total } = progress
		const last = this.#progressed.get(model)
		const now = performance.now()
		if (last?.phase === phase && now - last.time < interval && loaded < total) return
		this.#progressed.set(model, { phase, time: now })
		this.#tell({ type: 'progress', ...progress })
	}

	/** Says no more. */
	close(): void {
		this.#ports.clear()
		for (const timer of this.#waiting.values()) clearTimeout(timer)
		this.#waiting.clear()
	}

	#tell(message: StateMessage | ProgressMessage): void {
		for (const port of this.#ports) port.postMessage(message)
	}
}
