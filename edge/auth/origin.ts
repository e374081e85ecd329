// Whether a key may be used from where the request comes.

import { SpillwayError } from '../../runtime/core/error.ts'
import type { KeyConfig } from '../config/schema.ts'
import { isLoopbackHost } from '../guard/loopback.ts'

/**
 * Checks the page behind a request, if there is one, against the key.
 * @throws SpillwayError `forbidden`, saying what would be allowed.
 */
export function checkOrigin(request: Request, key: KeyConfig): void {
	const page = pageOf(request)
	if (key.kind === 'secret') {
		if (page)
			throw new SpillwayError(
				'forbidden',
				'a secret key was used in a page, where anyone can read it; revoke it, and use a publishable one',
			)
		return
	}
	if (!page) {
		if (!key.servers) throw new SpillwayError('forbidden', 'this publishable key works in pages only; servers need a secret key')
		return
	}
	if (key.loopback && isLoopbackHost(new URL(request.url).hostname)) return
	if (!key.origins.some((origin) => (page.sameHost === undefined ? origin === page.origin : new URL(origin).host === page.sameHost)))
		throw new SpillwayError(
			'forbidden',
			`this publishable key is not good for pages of ${page.origin ?? page.sameHost}; add the origin to the key's "origins"`,
		)
}

/**
 * The page that sent the request, or undefined when none did. A page's GET to its own origin carries no `Origin`; then
 * `Sec-Fetch-Site` tells, and the page's host is the request's (its scheme may differ behind a proxy that ends TLS).
 */
function pageOf(request: Request): { origin?: string; sameHost?: string } | undefined {
	const origin = request.headers.get('origin')
	if (origin !== null) return { origin }
	if (request.headers.get('sec-fetch-site') === 'same-origin') return { sameHost: new URL(request.url).host }
	return undefined
}
