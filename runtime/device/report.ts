// What there is to tell about a model in the engine: to pages that decide where calls go, and to people.

import type { Manifest } from '../../models/format/manifest.ts'
import { type Call, spaceOf } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'
import { cannot, type Estimate } from '../core/executor.ts'
import { overflowReason } from '../overflow/reason.ts'
import type { Pointer } from '../store/known.ts'
import type { Version } from '../store/store.ts'
import type { ModelReport } from './control.ts'
import type { StateMessage } from './protocol.ts'
import type { Served } from './serve-version.ts'

/** A version that serves. */
export interface Loaded extends Served {
	pointer: Pointer
	manifest: Manifest
	bytes: Version['bytes']
	/** Ends all that goes on for it. */
	end(error: SpillwayError): Promise<void>
}

/** How a model stands. */
export interface Standing {
	name: string
	state: ModelReport['state']
	loaded?: Loaded | undefined
	error?: SpillwayError | undefined
	/** Why it is absent. */
	detail?: string | undefined
}

/** What does not depend on how the model stands. */
export type Further = Pick<ModelReport, 'notes' | 'next' | 'memory'>

/** Why nobody answers a call to a model that is not ready. */
export function absenceOf({ name, error }: Standing): SpillwayError {
	if (error && (error.code === 'disposed' || error.code === 'out-of-memory')) return error
	if (error) return new SpillwayError('unavailable', `${name} could not be loaded: ${error.message}`, { cause: error })
	return new SpillwayError('unavailable', `${name} is still loading`)
}

/** For pages that decide where calls go. */
export const messageOn = (standing: Standing): StateMessage => ({
	type: 'state',
	model: standing.name,
	...identityOf(standing),
	estimate: estimateOf(standing),
	pace: standing.loaded?.pace() ?? null,
})

/** For people. */
export function reportOn(standing: Standing, { notes, next, memory }: Readonly<Further>): ModelReport {
	const { name, state, loaded, error } = standing
	return {
		model: name,
		state,
		...identityOf(standing),
		manifest: loaded?.pointer.digest ?? null,
		description: loaded ? describe(loaded) : null,
		bytes: loaded?.bytes ?? null,
		golden: loaded?.golden ?? null,
		serving: loaded?.report() ?? null,
		next,
		memory,
		notes,
		error: error?.toWire() ?? null,
		estimate: estimateOf(standing),
	}
}

/** Of a short call. */
function estimateOf({ name, state, loaded, error, detail = `${name} was not loaded` }: Standing): Estimate {
	const nothing = { queue: 0, run: 0 }
	if (state === 'absent') return { can: 'loading', reason: 'loading', detail, ...nothing }
	if (state === 'failed') return cannot((error && overflowReason(error)) ?? 'unhealthy', error?.message ?? `${name} failed`)
	if (state === 'loading' || !loaded) return { can: 'loading', reason: 'loading', detail: `${name} is still loading`, ...nothing }
	const { task } = loaded.manifest
	const model = { name }
	const call: Call = task ? { kind: 'task', model, task: task.kind, input: [''] } : { kind: 'tensors', model, tensors: {} }
	return loaded.executor.estimate(call)
}

function identityOf({ loaded }: Standing): Pick<StateMessage, 'version' | 'space' | 'provider' | 'variant'> {
	if (!loaded) return { version: null, space: null, provider: null, variant: null }
	const { manifest, pointer } = loaded
	const { variant, provider } = loaded.kind()
	return { version: manifest.version, space: spaceOf(manifest.model, pointer.digest, variant), provider, variant }
}

function describe({ manifest, kind }: Loaded): ModelReport['description'] {
	const { description, license, source, variants } = manifest
	return { text: description, license, source: source.name, accuracy: variants[kind().variant]?.accuracy ?? {} }
}
