// What the page can do without a network.

import { find } from './element.ts'

const text = find('offline-text', HTMLElement)
let works = false

/** @param kept whether page and model are both on this device. */
export function showOffline(kept: boolean): void {
	works = kept
	show()
}

function show(): void {
	if (navigator.onLine) text.textContent = works ? 'This page and its model are kept on this device and work without a network.' : ''
	else
		text.textContent = works
			? 'You are offline. This page works all the same.'
			: 'You are offline. Once this page is back online, it can fetch the model.'
}

addEventListener('online', show)
addEventListener('offline', show)
show()
