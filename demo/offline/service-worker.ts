// Keeps the page's own files, so that it opens without a network. The model's chunks are kept by the runtime; requests for models and
// answers pass through untouched, because only what is listed at build time is ever answered from here.

import { cleanupOutdatedCaches, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching'

interface LifecycleEvent extends Event {
	waitUntil(work: Promise<unknown>): void
}

/** What is used here of a service worker's global scope; the DOM's types describe a page's. */
declare const self: {
	/** Written into the built file by `injectManifest`. */
	__WB_MANIFEST: (PrecacheEntry | string)[]
	skipWaiting(): Promise<void>
	clients: { claim(): Promise<void> }
	addEventListener(type: 'activate', listener: (event: LifecycleEvent) => void): void
	addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
}

precacheAndRoute(self.__WB_MANIFEST)
cleanupOutdatedCaches()

// The page says when: an update is offered, never forced.
self.addEventListener('message', ({ data }) => {
	if (data?.type === 'SKIP_WAITING') void self.skipWaiting()
})

// The first visit can then lose its network, too.
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
