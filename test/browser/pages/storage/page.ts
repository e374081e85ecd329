// Hands the browser's storage to the test, as the engine opens it.

import { browserStorage } from '../../../../runtime/store/storage/browser.ts'
import { resilientStorage } from '../../../../runtime/store/storage/resilient.ts'
import type { Storage } from '../../../../runtime/store/storage/storage.ts'

declare global {
	interface Window {
		notes: string[]
		storages: Storage[]
		openStorage(name: string): Promise<number>
	}
}

window.notes = []
window.storages = []
/** @returns its place in `storages`. */
window.openStorage = async (name) =>
	window.storages.push(
		await resilientStorage(
			() => browserStorage(name),
			(note) => window.notes.push(note),
		),
	) - 1
