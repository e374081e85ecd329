// The page's side of the service worker: registers it, and offers a new version of the page when there is one.

import { Workbox } from 'workbox-window'
import { offer } from '../view/offer.ts'

const script = '/service-worker.js'

/** Milliseconds that a new version may take to take over before the page is reloaded all the same. */
const patience = 3_000

/**
 * Whether the page can be opened without a network from now on; resolves when that is settled, and never rejects. From then on the browser
 * fetches nothing more for the service worker during this visit.
 */
export async function register(): Promise<boolean> {
	if (!('serviceWorker' in navigator)) return false
	const workbox = new Workbox(script, { updateViaCache: 'all' })
	workbox.addEventListener('waiting', () => offerUpdate(workbox))
	try {
		const registration = await workbox.register()
		if (!registration) return false
		if (registration.active) await update(registration)
		if (registration.installing) await installed(registration.installing, registration)
		return registration.active !== null || registration.waiting !== null
	} catch {
		// The browser refuses (a private window) or the network does: the page works as a plain one.
		return false
	}
}

/**
 * Looks for a new version now. Browsers do so themselves a second or so after each visit has begun, when the page may have promised to be
 * silent: they then find in their HTTP cache what was fetched here.
 */
async function update(registration: ServiceWorkerRegistration): Promise<void> {
	try {
		await fetch(script, { cache: 'no-cache' })
		await registration.update()
	} catch {
		// No network: the version that is here goes on.
	}
}

/**
 * Resolves when a service worker has got through its installation, in which it fetches what it keeps, or has failed in it. The first one is
 * activated after that at once, a later one waits.
 */
function installed(worker: ServiceWorker, registration: ServiceWorkerRegistration): Promise<void> {
	return new Promise((resolve) => {
		const check = () => {
			const through = worker.state === 'installed' && registration.active !== null
			if (through || worker.state === 'activated' || worker.state === 'redundant') resolve()
		}
		worker.addEventListener('statechange', check)
		check()
	})
}

function offerUpdate(workbox: Workbox): void {
	offer('update', () => {
		workbox.addEventListener('controlling', () => location.reload())
		workbox.messageSkipWaiting()
		// The new version takes over when the old one has finished its work, which may be once no page is open: a reload is such a moment.
		setTimeout(() => location.reload(), patience)
	})
}
