// What a page must have so that models can run in it.

import { SpillwayError } from '../core/error.ts'

/** Why nothing can run on this device, if so (`environment`). At once, without I/O. */
export function environmentError(): SpillwayError | undefined {
	const missing =
		// Web Locks, Web Cryptography and Cache Storage are there in secure contexts only.
		globalThis.isSecureContext === false
			? 'a secure context (https, or http on localhost)'
			: ['Worker', 'WebAssembly'].find((name) => !(name in globalThis))
	return missing ? new SpillwayError('environment', `models cannot run in this page: it lacks ${missing}`) : undefined
}
