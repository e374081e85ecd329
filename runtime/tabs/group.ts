// Which tabs share an engine: those of one origin with the same build and the same settings.

import { hexOf } from '../core/hex.ts'
import type { EngineSettings } from '../device/control.ts'

/** A name that only tabs have in common whose engines would be the same. */
export async function groupOf({ tuning, assets, ...others }: EngineSettings): Promise<string> {
	// The same options in another order, or left undefined, are the same options.
	const given = Object.entries(tuning).filter(([, value]) => value !== undefined)
	const { session, wasm, gpu } = assets
	const files = [session, wasm, ...(tuning.providers?.some((one) => one !== 'wasm') ? [gpu] : [])]
	// With the build, which is among the others.
	const told = JSON.stringify([others, files, given.sort()])
	const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(told)))
	return `spillway-tabs-${hexOf(digest.subarray(0, 16))}`
}
