// Trials of workers that are as fast as a test says, in a time that it moves; what is kept of them is forgotten after each test.

import { afterEach, beforeEach, vi } from 'vitest'
import { provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Member } from '../../runtime/device/member.ts'
import { type Kind, nameOf } from '../../runtime/device/serving/kind.ts'
import { samplesOf } from '../../runtime/device/serving/measure.ts'
import { type RecordOptions, recordOf } from '../../runtime/device/serving/record.ts'
import { Stillness } from '../../runtime/device/serving/stillness.ts'
import type { Trial } from '../../runtime/device/serving/trial.ts'
import { runTrials, type TrialsOptions } from '../../runtime/device/serving/trials.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import { kind } from './kinds.ts'
import { packed, textDescription } from './tiny.ts'

export const reference = kind('wasm')
export const two = kind('wasm', 1, 2)
export const threaded = kind('wasm', 2)
export const webgpu = kind('webgpu')
const { manifest } = await packed(textDescription())
export const samples = samplesOf(manifest, 'fp32')

let records = memoryStorage().records
beforeEach(() => {
	records = memoryStorage().records
	// What is measured must not depend on what else this machine does.
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] })
})
afterEach(() => {
	vi.useRealTimers()
})

/** Lets time pass until the work is done. */
export async function passing<T>(work: Promise<T>): Promise<T> {
	let done = false
	work
		.catch(() => {})
		.finally(() => {
			done = true
		})
	while (!done) await vi.advanceTimersByTimeAsync(1)
	return work
}

interface Scene {
	/** Milliseconds of a run, by the name of the kind; or what its start fails with. */
	speeds?: Record<string, number | SpillwayError>
	kinds?: Kind[]
	stillness?: Stillness
	record?: Partial<RecordOptions>
	more?: Partial<TrialsOptions>
}

/** Runs that compute would share the processor: these share nothing, two workers are twice as fast. */
export function scene({ speeds = {}, kinds = [two, webgpu], stillness = new Stillness(), record = {}, more = {} }: Scene = {}) {
	const starts: string[] = []
	const ends: string[] = []
	const running = new Set<string>()
	const life = new AbortController()
	const name = ({ provider, threads }: Kind) => `${provider}/${threads}`
	const options: TrialsOptions = {
		reference,
		kinds,
		samples,
		async start(kind) {
			const speed = speeds[name(kind)] ?? 4
			starts.push(name(kind))
			if (speed instanceof SpillwayError) throw speed
			const over = new AbortController()
			const id = `${name(kind)} ${starts.length}`
			running.add(id)
			const member: Member = {
				over: over.signal,
				memory: 30e6,
				lay: () => {},
				end(error) {
					if (!over.signal.aborted) ends.push(id)
					running.delete(id)
					over.abort(error)
				},
				ask: ({ model }) =>
					new Promise((resolve, reject) => {
						over.signal.addEventListener('abort', () => reject(over.signal.reason))
						if (speed < Number.POSITIVE_INFINITY)
							setTimeout(() => resolve({ output: { kind: 'tensors', tensors: {} }, ran: provenance('device', model) }), speed)
					}),
			}
			return member
		},
		obtain: async () => {},
		deviceOf: ({ provider }) => (provider === 'wasm' ? null : 'adapter A'),
		record: recordOf({ records, digest: 'd', variant: 'fp32', subject: 'this browser', gpu: 'adapter A', webnn: false, ...record }),
		stillness,
		signal: life.signal,
		onTrial: () => {},
		limits: { pause: 5, trial: 5_000, all: 20_000, again: 5 },
		...more,
	}
	return { run: () => passing(runTrials(options)), starts, ends, running, life, stillness, options }
}

export const trialOf = (trials: readonly Trial[], kind: Kind) => trials.find((trial) => nameOf(trial) === nameOf(kind)) as Trial
