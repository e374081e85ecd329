// Who serves a model: at first the kind that is there soonest, later the one that was measured to be best, and why.

import type { Manifest, Provider } from '../../../models/format/manifest.ts'
import { messageOf, SpillwayError } from '../../core/error.ts'
import type { Records } from '../../store/storage/storage.ts'
import type { ServingReport, TrialReport, Tuning } from '../control.ts'
import { gpuBuild } from '../gpu-build.ts'
import type { Member } from '../member.ts'
import { adapterName, subjectOf } from './device.ts'
import { absentProviders, type Device, type Kind, nameOf, otherKinds } from './kind.ts'
import { samplesOf } from './measure.ts'
import { recordOf } from './record.ts'
import type { Serving } from './serving.ts'
import type { Stillness } from './stillness.ts'
import { ranking, type Trial, tellTrial, whyOf, winnerOf } from './trial.ts'
import { runTrials } from './trials.ts'

export interface SelectionOptions {
	manifest: Manifest
	/** The manifest's digest. */
	digest: string
	tuning: Readonly<Tuning>
	/** Serves from the start. */
	first: Kind
	findDevice(): Promise<Device>
	/** Starts a worker for a trial. */
	start(kind: Kind, signal: AbortSignal): Promise<Member>
	/** Gets what a kind needs and is not here yet. */
	obtain(kind: Kind, signal: AbortSignal): Promise<void>
	records: Records
	stillness: Stillness
	/** Ends everything. */
	signal: AbortSignal
	onChange(): void
}

export class Selection {
	readonly #options: SelectionOptions
	readonly #reference: Kind
	/** Those that may serve, once the device is known. */
	#kinds: readonly Kind[]
	#device: Promise<Device> | undefined
	#gpu: string | null = null
	#obtained = new Map<Kind, Promise<void>>()
	#trials: readonly Trial[] = []
	#absent: ReadonlyMap<Provider, string> = new Map()
	#why: string
	#note: string | undefined
	#settled = false

	constructor(options: SelectionOptions) {
		this.#options = options
		const { first } = options
		this.#reference = { ...first, workers: 1 }
		this.#kinds = [first]
		this.#why = `${first.provider} serves first, for it is there soonest; others are measured when nobody calls`
	}

	/** Something that people should know beside. */
	note({ message }: SpillwayError): void {
		this.#note = message
	}

	/** Who answers in place of a kind that failed, best first. */
	fallbacks(): Kind[] {
		const kinds = new Map(this.#kinds.map((kind) => [nameOf(kind), kind]))
		const measured = ranking(this.#trials).flatMap((trial) => kinds.get(nameOf(trial)) ?? [])
		return [...measured, this.#options.first]
	}

	/** The GPU that a kind computes on. */
	deviceOf({ provider }: Kind): string | null {
		if (provider === 'webgpu') return this.#gpu
		return provider === 'webnn' ? provider : null
	}

	/** Finds out what this device has, and gets what may be tried on it: for pages that ask nothing of the network later. */
	async prepare(): Promise<void> {
		const others = await this.#others()
		await Promise.allSettled(others.map((kind) => this.#obtain(kind)))
	}

	/** Measures what was not measured before, and lets the best serve. Never rejects. */
	async begin(serving: Serving): Promise<void> {
		const { manifest, digest, first, tuning, records, stillness, signal, start, onChange } = this.#options
		try {
			const device = await this.#found()
			const others = await this.#others()
			if (others.length === 0 || (others.length === 1 && nameOf(others[0] as Kind) === nameOf(first) && tuning.workers !== undefined)) {
				this.#why = 'there is no other choice here'
				return
			}
			const samples = samplesOf(manifest, first.variant)
			const subject = await subjectOf(device)
			this.#trials = await runTrials({
				reference: this.#reference,
				kinds: others,
				samples,
				start,
				obtain: (kind) => this.#obtain(kind),
				deviceOf: (kind) => this.deviceOf(kind),
				record: recordOf({ records, digest, variant: first.variant, subject, gpu: this.#gpu, webnn: device.webnn }),
				stillness,
				signal,
				onTrial: (trials) => {
					this.#trials = [...trials]
					onChange()
				},
			})
			await this.#letBestServe(serving)
		} catch (error) {
			if (!signal.aborted) this.#why = `${this.#why}; measuring failed: ${messageOf(error)}`
		} finally {
			this.#settled = true
			onChange()
		}
	}

	report(serving: Serving): ServingReport {
		const { kind, workers, most, failures } = serving
		const winner = this.#winner(this.#eligible)
		const failed = failures.at(-1)
		const trials: TrialReport[] = this.#trials.map((trial) => {
			const told = tellTrial(trial, winner, nameOf(trial) === nameOf(kind))
			const failure = failures.find((one) => nameOf(one.kind) === nameOf(trial))
			return failure ? { ...told, verdict: `failed: ${failure.error.message}` } : told
		})
		const nothing = { threads: 1, workers: 1, build: gpuBuild, golden: null, rate: null, latency: null } as const
		for (const [provider, verdict] of this.#absent) trials.push({ provider, ...nothing, verdict })
		const { provider, threads } = kind
		const chosen = failed ? `${nameOf(failed.kind)} failed: ${failed.error.message}` : this.#why
		const why = this.#note === undefined ? chosen : `${chosen}; ${this.#note}`
		return { provider, threads, workers, most, why, settled: this.#settled, trials }
	}

	/** Trials of kinds that may serve. */
	get #eligible(): Trial[] {
		const names = new Set(this.#kinds.map(nameOf))
		return this.#trials.filter((trial) => names.has(nameOf(trial)))
	}

	#winner(trials: readonly Trial[]): Trial | undefined {
		const winner = winnerOf(trials)
		if (!winner || nameOf(winner) !== nameOf(this.#reference)) return winner
		// That one worker is as good as several is not believed of a device that was busy: they are started only when there is work for them.
		const several = trials.find((trial) => nameOf(trial) === nameOf(this.#options.first) && trial.refused === null)
		return several?.busy ? several : winner
	}

	async #letBestServe(serving: Serving): Promise<void> {
		const refused = new Set<Kind>()
		for (;;) {
			const failed = (kind: Kind) => refused.has(kind) || serving.failures.some((failure) => nameOf(failure.kind) === nameOf(kind))
			const kinds = this.#kinds.filter((kind) => !failed(kind))
			const winner = this.#winner(this.#eligible.filter((trial) => kinds.some((kind) => nameOf(kind) === nameOf(trial))))
			const best = winner && kinds.find((kind) => nameOf(kind) === nameOf(winner))
			if (!best || !winner) {
				this.#why = 'measured: nothing else can serve here'
				return
			}
			try {
				if (nameOf(best) !== nameOf(serving.kind)) await serving.swap(best)
				this.#why = whyOf(winner, this.#eligible)
				return
			} catch (error) {
				this.#options.signal.throwIfAborted()
				refused.add(best)
				this.#trials = this.#trials.map((trial) =>
					trial === winner ? { ...trial, refused: `could not be started: ${messageOf(error)}` } : trial,
				)
			}
		}
	}

	#found(): Promise<Device> {
		this.#device ??= this.#options.findDevice()
		return this.#device
	}

	/** All that can be tried here. */
	async #others(): Promise<Kind[]> {
		const { manifest, tuning, first } = this.#options
		const device = await this.#found()
		this.#gpu = device.gpu ? adapterName(device.gpu) : null
		this.#absent = absentProviders(manifest, tuning, device, first)
		const others = otherKinds(manifest, tuning, device, first)
		const one = tuning.workers === undefined || tuning.workers === 1
		this.#kinds = one ? [this.#reference, ...others] : others
		return others
	}

	/** Once for each kind: what could not be had is not asked for again and again. */
	#obtain(kind: Kind): Promise<void> {
		const before = [...this.#obtained].find(([other]) => nameOf(other) === nameOf(kind))?.[1]
		if (before) return before
		const { obtain, signal } = this.#options
		const obtained = kind.provider === 'wasm' ? Promise.resolve() : obtain(kind, signal)
		obtained.catch(() => {})
		this.#obtained.set(kind, obtained)
		return obtained
	}
}

/** Thrown where a trial worker has fewer threads than the kind. */
export const fewerThreads = (note: SpillwayError): SpillwayError => new SpillwayError('environment', note.message, { cause: note })
