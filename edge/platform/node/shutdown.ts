// Ends an HTTP server: requests under way are answered, idle connections are not waited for.

import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds in which requests may finish, then in which they are answered with 503. Together less than 3 s. */
const patience = 2_000
const lastWords = 500

/**
 * Accepts nothing more, lets requests finish, then has the rest answered (`refuse`), and cuts what is left.
 * @param refuse makes every request under way end soon; called once, when time is nearly up or no request is left.
 */
export async function shutdown(server: Server, refuse: () => Promise<void>): Promise<void> {
	const closed = new Promise<void>((resolve) => server.close(() => resolve()))
	// A connection that becomes idle after `close` is not closed by Node itself.
	const sweep = setInterval(() => server.closeIdleConnections(), 20)
	try {
		await Promise.race([closed, sleep(patience, undefined, { ref: false })])
		await Promise.race([Promise.all([refuse(), closed]), sleep(lastWords, undefined, { ref: false })])
	} finally {
		clearInterval(sweep)
		server.closeAllConnections()
	}
	await closed
}
