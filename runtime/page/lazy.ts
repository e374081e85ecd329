// Files beside the entry that are loaded when they are needed, each with its own copy of what it shares with the entry.

import { bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { trusted } from '../device/trusted.ts'

/** Files that the entry has built in, by their addresses: where nothing can be loaded later. */
export const builtIn: Record<string, object> = {}

/** Milliseconds that a file may take to come. */
const patience = 30_000

/** Subresource integrity of these files as they were published, put in by the build. */
const integrities: Readonly<Record<string, string | undefined>> = {
	'edge.js': 'integrity:edge.js',
	'start.js': 'integrity:start.js',
	'tabs.js': 'integrity:tabs.js',
	'telemetry.js': 'integrity:telemetry.js',
}

/**
 * Makes the function that loads a file, once.
 *
 * @param address absolute; a classic script has no other way to name a module.
 * @param signal gives it up, with the error as its reason.
 * @returns its exports; rejects with `network` when it cannot be had, or does not come, or with `integrity` when it comes from another origin
 *   and is not the published file. Tries again when called again.
 */
export function lazily<T>(address: string, signal: AbortSignal = new AbortController().signal): () => Promise<T> {
	let coming: Promise<T> | undefined
	let tries = 0
	return () => {
		coming ??= bounded('loading', { remaining: patience, signal }, async () => {
			// Chromium remembers a failure for ever, by the whole address.
			const url = `${address}#${tries++}`
			if (builtIn[address]) return builtIn[address]
			await verified(address, url)
			return import(/* @vite-ignore */ /* webpackIgnore: true */ url)
		}).catch((cause) => {
			coming = undefined
			if (cause.code === 'integrity') throw cause
			throw signal.reason ?? new SpillwayError('network', `${address} cannot be loaded: ${messageOf(cause)}`, { cause })
		}) as Promise<T>
		return coming
	}
}

/**
 * Has the file of another origin loaded by an element, whose integrity the browser checks; the module that it makes is what `import` then finds.
 * Of files with other names, which a bundler gave them, nothing is known.
 */
async function verified(address: string, url: string): Promise<void> {
	const integrity = integrities[address.slice(address.lastIndexOf('/') + 1)]
	if (!integrity || !globalThis.document || new URL(url).origin === origin) return
	const script = document.createElement('script')
	// Where the page's policy lets scripts in by a nonce, this one is as good as those that have it.
	const nonce = document.querySelector<HTMLElement>('script[nonce]')?.nonce
	const loaded = await new Promise((tell) => {
		Object.assign(script, { type: 'module', crossOrigin: '', integrity, nonce, src: trusted(url), onload: tell, onerror: () => tell(null) })
		document.head.append(script)
	})
	script.remove()
	if (loaded) return
	// Elements do not tell why.
	const { status } = await fetch(address)
	if (status !== 200) throw Error(`status ${status}`)
	await fetch(address, { integrity }).catch(() => {
		throw new SpillwayError('integrity', `${address} is not the file of this build: serve the files of one build, unchanged`)
	})
	throw Error("the page's policy forbids it")
}
