// Spillway in a page: the script tag's `window.spillway`.

import { SpillwayError } from '../core/error.ts'
import { assetsIn, type RuntimeOptions } from './options.ts'
import { makeRuntime, type Runtime } from './runtime.ts'

/** What an edge that serves this script builds into it; addresses are relative to the script's. */
interface BuiltIn {
	edge?: string
	trust?: string[]
	/** Folder with the files of this version. Default: the script's. */
	assets?: string
}

/** Known only while the script is run for the first time. */
const source = (globalThis.document?.currentScript as HTMLScriptElement | null)?.src || globalThis.document?.baseURI
const at = (path: string) => new URL(path, source).href

let own: BuiltIn = {}
try {
	// The edge puts JSON in base64 in the place of the word, which itself is no base64.
	own = JSON.parse(atob('__SPILLWAY_EDGE__'))
} catch {
	// Served by some other host.
}

/** As the module's `createRuntime`; in a script served by an edge, `edge` and `trust` default to that edge and its keys. */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
	// Another edge has other keys.
	const { edge = own.edge && at(own.edge), trust = options.edge ? undefined : own.trust } = options
	return makeRuntime({ ...options, edge, trust }, () => assetsIn(at(own.assets ?? './')))
}

export { SpillwayError }
