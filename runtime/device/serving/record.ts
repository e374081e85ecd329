// What was measured is kept for the next time, as long as it was measured on the same device with the same browser.

import type { Records } from '../../store/storage/storage.ts'
import type { Trial } from './trial.ts'

/** Milliseconds after which a device may have become another: measured while it was busy, say, or on battery. */
const lifetime = 14 * 24 * 3600_000

interface Kept {
	/** What it was measured with: browser, processors, isolation. */
	subject: string
	/** `Date.now`. */
	at: number
	trials: Trial[]
}

export interface Record {
	/** The trials of an earlier time that still hold. */
	recall(): Promise<Trial[]>
	keep(trials: readonly Trial[]): Promise<void>
}

export interface RecordOptions {
	records: Records
	/** The manifest's digest. */
	digest: string
	variant: string
	/** Trials of another subject do not count. */
	subject: string
	/** Nor do those on another GPU. */
	gpu: string | null
	webnn: boolean
}

export function recordOf({ records, digest, variant, subject, gpu, webnn }: RecordOptions): Record {
	const key = `serving ${digest}/${variant}`
	return {
		async recall() {
			const kept = await records.get<Kept>(key)
			const age = kept ? Date.now() - kept.at : 0
			if (kept?.subject !== subject || !(age >= 0 && age < lifetime)) return []
			return kept.trials.filter(({ provider, device }) => (provider === 'webgpu' ? device === gpu : provider === 'wasm' || webnn))
		},
		keep: (trials) => records.set(key, { subject, at: Date.now(), trials: [...trials] } satisfies Kept),
	}
}
