// The page's side of the service worker: registers it, and offers a new version of the page when there is one.

import { Workbox } from 'workbox-window'
import { find } from '../view/element.ts'

/** Whether the page can be opened without a network from now on; resolves when that is settled, and never rejects. */
export async function register(): Promise<boolean> {
	if (!('serviceWorker' in navigator)) return false
	const workbox = new Workbox('/service-worker.js')
	workbox.addEventListener('waiting', () => offerUpdate(workbox))
	try {
		const registration = await workbox.register()
		return registration !== undefined && (await installed(registration))
	} catch {
		// The browser refuses (a private window) or the network does: the page works as a plain one.
		return false
	}
}

/** Whether the registration's service worker gets through its installation, in which it fetches what it keeps. */
function installed({ active, installing }: ServiceWorkerRegistration): Promise<boolean> {
	return new Promise((resolve) => {
		if (active || !installing) return resolve(active !== null)
		installing.addEventListener('statechange', () => {
			if (installing.state === 'activated' || installing.state === 'redundant') resolve(installing.state === 'activated')
		})
	})
}

function offerUpdate(workbox: Workbox): void {
	const box = find('update', HTMLElement)
	find('update-now', HTMLButtonElement).addEventListener('click', () => {
		workbox.addEventListener('controlling', () => location.reload())
		workbox.messageSkipWaiting()
	})
	find('update-later', HTMLButtonElement).addEventListener('click', () => {
		box.hidden = true
	})
	box.hidden = false
}
