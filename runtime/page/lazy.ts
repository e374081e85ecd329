// Files beside the entry that are loaded when they are needed, each with its own copy of what it shares with the entry.

import { bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'

/** Files that the entry has built in, by their addresses: where nothing can be loaded later. */
export const builtIn: Record<string, object> = {}

/** Milliseconds that a file may take to come. */
const patience = 30_000

/**
 * Makes the function that loads a file, once.
 *
 * @param address absolute; a classic script has no other way to name a module.
 * @param signal gives it up, with the error as its reason.
 * @returns its exports; rejects with `network` when it cannot be had, or does not come, and tries again when called again.
 */
export function lazily<T>(address: string, signal: AbortSignal = new AbortController().signal): () => Promise<T> {
	let coming: Promise<T> | undefined
	let tries = 0
	return () => {
		// Chromium remembers a failure for ever, by the whole address.
		coming ??= bounded(
			'loading',
			{ remaining: patience, signal },
			async () => builtIn[address] ?? import(/* @vite-ignore */ /* webpackIgnore: true */ `${address}#${tries++}`),
		).catch((cause) => {
			coming = undefined
			throw signal.reason ?? new SpillwayError('network', `${address} cannot be loaded: ${messageOf(cause)}`, { cause })
		}) as Promise<T>
		return coming
	}
}
