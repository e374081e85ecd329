// The key with which the page calls its edge: told by the edge, remembered for visits without a network.

import { recall, remember } from './memory.ts'

const address = '/demo/config.json'
const memory = 'edge-key'

/** The edge's publishable key, or `undefined` when it was never reached. */
export async function edgeKey(): Promise<string | undefined> {
	try {
		const response = await fetch(address, { cache: 'no-store' })
		if (!response.ok) throw new Error(`${address} answered ${response.status}`)
		const { key } = (await response.json()) as { key: string }
		remember(memory, key)
		return key
	} catch {
		return recall(memory)
	}
}
