// Whether a model may be downloaded: tens of megabytes are the user's choice where they cost something.

import { SpillwayError } from '../core/error.ts'

/**
 * When a model is downloaded without `ready` or `load` having been called for it, which always is leave enough. `auto`: when it is wanted,
 * unless the browser is asked to save data. `wifi`: where the browser says that the network is none that counts bytes. `ask`: never.
 */
export type Download = 'auto' | 'ask' | 'wifi'

/** What browsers tell of the network; most tell nothing. https://wicg.github.io/netinfo/ and https://wicg.github.io/savedata/ */
interface Network {
	connection?: { saveData?: boolean; type?: string }
	userAgentData?: { mobile?: boolean }
}

export class Leave {
	readonly #download: Download
	readonly #network: () => Network
	readonly #given = new Set<string>()

	/** @param network for tests. */
	constructor(download: Download = 'auto', network = () => navigator as Network) {
		this.#download = download
		this.#network = network
	}

	/** Somebody has asked for this model to be loaded. */
	give(model: string): void {
		this.#given.add(model)
	}

	/** Whether this model may be downloaded now. */
	has(model: string): boolean {
		return this.unasked || this.#given.has(model)
	}

	/** Whether models may be downloaded now for which nobody has asked: newer versions, too. */
	get unasked(): boolean {
		const { connection, userAgentData } = this.#network()
		if (this.#download === 'ask' || connection?.saveData) return false
		if (this.#download === 'auto') return true
		const { type } = connection ?? {}
		// Computers are told apart only where they say so themselves.
		return type === undefined || type === 'unknown' ? userAgentData?.mobile === false : type === 'wifi' || type === 'ethernet'
	}

	/** @throws SpillwayError `unavailable` when the model may not be downloaded. */
	demand(model: string, bytes: number): void {
		if (this.has(model)) return
		const why = this.#download === 'auto' ? 'the browser is asked to save data' : `download: "${this.#download}"`
		throw new SpillwayError('unavailable', `${model} is not on this device, ${megabytes(bytes)} MB: ready() downloads it (${why})`)
	}
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
