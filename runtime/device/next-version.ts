// The version that comes after the one that serves: what is known of it, and its download in the background.

import { SpillwayError } from '../core/error.ts'
import type { Revalidation } from '../store/channel.ts'
import type { Pointer } from '../store/known.ts'
import type { ModelReport } from './control.ts'
import type { LoadResult } from './load.ts'
import { firstFiles, type Sources } from './load-version.ts'

/** Whether a version has failed in a way in which it would fail again. */
export const isUnfit = ({ code }: SpillwayError): boolean => code === 'golden-mismatch' || code === 'unsupported' || code === 'malformed'

export interface NextOptions {
	name: string
	asked: string | undefined
	sources: Sources
	notes: string[]
	/** Ends the download. */
	signal: AbortSignal
}

export class NextVersion {
	readonly #options: NextOptions
	#report: ModelReport['next'] = null

	constructor(options: NextOptions) {
		this.#options = options
	}

	get report(): ModelReport['next'] {
		return this.#report
	}

	/**
	 * Follows what the channel says beside a load. What it names beside the version that serves is downloaded, where that is allowed, and serves
	 * from the next start on. Never rejects.
	 */
	async watch({ loaded, revalidation, refused }: LoadResult): Promise<void> {
		const asked = await revalidation
		if (asked) await this.#heard(asked, loaded.pointer, refused)
	}

	async #heard(asked: Revalidation, serving: Pointer, refused: LoadResult['refused']): Promise<void> {
		const { sources, notes } = this.#options
		if ('error' in asked) {
			const { code, message } = asked.error
			notes.push(
				code === 'aborted'
					? 'the channel did not answer before the model was ready'
					: `going on with version ${serving.version}: ${code}: ${message}`,
			)
			return
		}
		const { found } = asked
		if (found.digest === serving.digest) return
		if (refused?.digest === found.digest && isUnfit(refused.error)) {
			this.set(found, 'refused', refused.error)
			return
		}
		this.set(found, 'known')
		notes.push(`version ${found.version} (serial ${found.serial}) is there and will be loaded next time`)
		// In memory it would be gone by then.
		if (!sources.quiet && sources.leave.unasked && sources.storage.bytes.kind !== 'memory') await this.#download(found)
	}

	/** Says how it stands with another version; with `null`, that there is none. */
	set(pointer: Pointer | null, state: NonNullable<ModelReport['next']>['state'] = 'known', error?: SpillwayError): void {
		this.#report = pointer && { version: pointer.version, manifest: pointer.digest, state, error: error?.toWire() ?? null }
		this.#options.sources.onChange(this.#options.name)
	}

	async #download(pointer: Pointer): Promise<void> {
		const { name, asked, sources, signal } = this.#options
		const { store, tuning } = sources
		this.set(pointer, 'downloading')
		try {
			await store.read(name, pointer, { signal, files: (manifest) => firstFiles(manifest, tuning), discard: true })
			await store.arrived(name, asked, pointer)
			this.#downloaded(pointer, 'stored')
		} catch (error) {
			this.#downloaded(pointer, 'known', SpillwayError.from(error))
		}
	}

	/** An update may have gone further meanwhile: then it is for that to say. */
	#downloaded(pointer: Pointer, state: 'stored' | 'known', error?: SpillwayError): void {
		if (this.#report?.manifest === pointer.digest && this.#report.state === 'downloading') this.set(pointer, state, error)
	}
}
