// The engine that this tab hosts for all: one at a time, started when first wanted, here or elsewhere.

import type { SpillwayError } from '../core/error.ts'
import type { StateMessage } from '../device/protocol.ts'
import type { Engine, Told } from '../page/engine.ts'

export class Host {
	readonly #start: (onTold: (message: Told) => void) => Promise<Engine>
	readonly #onTold: (message: Told) => void
	#running: Promise<Engine> | undefined
	/** The states of its models, while this tab itself does not use it; then nothing. */
	#states: Map<string, StateMessage> | undefined
	/** Whether an engine is on its way. */
	starting = false

	/**
	 * @param start starts an engine and opens it to all tabs.
	 * @param onTold gets what an engine tells that this tab uses.
	 */
	constructor(start: (onTold: (message: Told) => void) => Promise<Engine>, onTold: (message: Told) => void) {
		this.#start = start
		this.#onTold = onTold
	}

	/** Starts the engine unless it is there or on its way. */
	engine(): Promise<Engine> {
		this.#running ??= this.#begin()
		return this.#running
	}

	/** The engine, for this tab itself. */
	async use(): Promise<Engine> {
		const engine = await this.engine()
		this.#states?.forEach(this.#onTold)
		this.#states = undefined
		return engine
	}

	/** Ends the engine, if there is one; what is under way here rejects with `error`. */
	async stop(error: SpillwayError): Promise<void> {
		const engine = await this.#running?.catch(() => undefined)
		await engine?.stop(error)
	}

	async #begin(): Promise<Engine> {
		const states = new Map<string, StateMessage>()
		this.#states = states
		this.starting = true
		const end = () => {
			this.#running = undefined
		}
		try {
			const engine = await this.#start((message) => {
				if (this.#states !== states) this.#onTold(message)
				else if (message.type === 'state') states.set(message.model, message)
			})
			engine.over.addEventListener('abort', end)
			return engine
		} catch (error) {
			end()
			throw error
		} finally {
			this.starting = false
		}
	}
}
