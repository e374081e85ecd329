// What a page must have so that models can run in it.

import { SpillwayError } from '../core/error.ts'

/** Why nothing can run on this device, if so (`environment`). At once, without I/O. */
export function environmentError(): SpillwayError | undefined {
	// Web Locks, Web Cryptography and the browser's storage are there in secure contexts only, and where there is an origin to keep them for.
	const { Worker, WebAssembly, isSecureContext, origin } = globalThis
	const lacks =
		(!Worker && 'Worker') ||
		(!WebAssembly && 'WebAssembly') ||
		(!isSecureContext && 'https') ||
		(origin === 'null' && 'an origin: its frame needs sandbox="allow-same-origin"')
	return lacks ? new SpillwayError('environment', `this page lacks ${lacks}`) : undefined
}
