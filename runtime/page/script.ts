// Spillway in a page: the script tag's `window.spillway`.

import { SpillwayError } from '../core/error.ts'
import { tensor } from '../core/tensor.ts'
import { assetsIn, type RuntimeOptions } from './options.ts'
import { makeRuntime, type Runtime } from './runtime.ts'

/** What an edge that serves this script builds into it; addresses are relative to the script's. */
interface BuiltIn {
	edge: string
	trust: string[]
	/** Folder with the files of this version. */
	assets: string
}

/** Known only while the script is run for the first time. */
const source = (document.currentScript as HTMLScriptElement | null)?.src || document.baseURI
const at = (path: string) => new URL(path, source).href

/** The edge puts JSON in base64 in the place of the word, which itself is no base64. */
function builtIn(): BuiltIn | undefined {
	try {
		const { edge, trust, assets } = JSON.parse(atob('__SPILLWAY_EDGE__')) as BuiltIn
		return { edge: at(edge), trust, assets: at(assets) }
	} catch {
		return undefined
	}
}

/** As the module's `createRuntime`; in a script served by an edge, `edge`, `trust` and `assets` default to that edge's. */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
	const own = builtIn()
	const edge = options.edge ?? own?.edge
	// Another edge has other keys.
	const trust = options.trust ?? (edge !== undefined && at(edge) === own?.edge ? own.trust : undefined)
	return makeRuntime({ ...options, edge, trust, assets: options.assets ?? own?.assets }, assetsIn(at('./')))
}

export { SpillwayError, tensor }
