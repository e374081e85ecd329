// What a page must have so that models can run in it.

import { SpillwayError } from '../core/error.ts'

/** Why nothing can run on this device, if so (`environment`). At once, without I/O. */
export function environmentError(): SpillwayError | undefined {
	const missing =
		globalThis.isSecureContext === false
			? 'a secure context (https, or http on localhost)'
			: ['Worker', 'WebAssembly', 'MessageChannel', 'indexedDB'].find((name) => !(name in globalThis)) ||
				(!globalThis.navigator?.locks && 'Web Locks') ||
				(!globalThis.crypto?.subtle && 'Web Cryptography')
	return missing ? new SpillwayError('environment', `models cannot run in this page: it lacks ${missing}`) : undefined
}
