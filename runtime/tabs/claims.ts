// Which tabs want which models: what one gives up stays for the others.

/** Milliseconds that a model stays after the last tab that wanted it has gone: a visitor who follows a link is back at once. */
export const linger = 10_000

export class Claims {
	readonly #holders = new Map<string, Set<string>>()
	readonly #going = new Map<string, ReturnType<typeof setTimeout>>()
	readonly #unload: (model: string) => unknown

	/** @param unload gives a model up that nobody wants. */
	constructor(unload: (model: string) => unknown) {
		this.#unload = unload
	}

	/** From now on the tab wants the model. Repeatable. */
	add(tab: string, model: string): void {
		clearTimeout(this.#going.get(model))
		this.#going.delete(model)
		const holders = this.#holders.get(model) ?? new Set()
		this.#holders.set(model, holders.add(tab))
	}

	/**
	 * The tab wants it no more.
	 *
	 * @returns whether nobody does.
	 */
	drop(tab: string, model: string): boolean {
		const holders = this.#holders.get(model)
		holders?.delete(tab)
		if (holders?.size) return false
		this.#holders.delete(model)
		return true
	}

	/** The tab is gone; what only it wanted is given up a while later. */
	leave(tab: string): void {
		for (const [model, holders] of this.#holders) if (holders.has(tab) && this.drop(tab, model)) this.#later(model)
	}

	#later(model: string): void {
		const timer = setTimeout(() => {
			this.#going.delete(model)
			this.#unload(model)
		}, linger)
		this.#going.set(model, timer)
	}
}
