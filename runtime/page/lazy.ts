// Files beside the entry that are loaded when they are needed, each with its own copy of what it shares with the entry.

import { messageOf, SpillwayError } from '../core/error.ts'

/** Files that the entry has built in, by their addresses: where nothing can be loaded later. */
export const builtIn: Record<string, object> = {}

/**
 * Makes the function that loads a file, once.
 *
 * @param address absolute; a classic script has no other way to name a module.
 * @returns its exports; rejects with `network` when it cannot be had, and tries again when called again.
 */
export function lazily<T>(address: string): () => Promise<T> {
	let coming: Promise<T> | undefined
	let tries = 0
	return () => {
		// Chromium remembers a failure for ever, by the whole address.
		coming ??= Promise.resolve(builtIn[address] ?? import(/* @vite-ignore */ /* webpackIgnore: true */ `${address}#${tries++}`)).catch(
			(cause) => {
				coming = undefined
				throw new SpillwayError('network', `${address} cannot be loaded: ${messageOf(cause)}`, { cause })
			},
		) as Promise<T>
		return coming
	}
}
