// What the page can do without a network.

import type { Policy } from '../../runtime/index.ts'
import { find } from './element.ts'

const text = find('offline-text', HTMLElement)
let shown: { kept: boolean; policy: Policy } = { kept: false, policy: 'prefer-device' }

/** @param kept whether page and model are both on this device, ready for questions. */
export function showOffline(kept: boolean, policy: Policy): void {
	shown = { kept, policy }
	show()
}

function show(): void {
	text.textContent = words(navigator.onLine)
}

function words(online: boolean): string {
	if (online) return shown.kept ? 'This page and its model are kept on this device and work without a network.' : ''
	if (shown.kept) return 'You are offline. This page works all the same.'
	return `You are offline. ${shown.policy === 'edge-only' ? 'Our edge cannot be reached.' : 'The model has to wait for a network.'}`
}

addEventListener('online', show)
addEventListener('offline', show)
show()
