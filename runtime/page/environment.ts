// What a page must have so that models can run in it.

import { SpillwayError } from '../core/error.ts'

/** Why nothing can run on this device, if so (`environment`). At once, without I/O. */
export const environmentError = (): SpillwayError | undefined =>
	// Web Locks, Web Cryptography and Cache Storage are there in secure contexts only.
	globalThis.isSecureContext && globalThis.Worker && globalThis.WebAssembly
		? undefined
		: new SpillwayError('environment', 'this page lacks https, Worker or WebAssembly')
