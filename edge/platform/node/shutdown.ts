// Ends an HTTP server: requests under way are answered, idle connections are not waited for.

import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds in which requests that did not finish are answered with 503. */
const lastWords = 500

/**
 * Accepts nothing more, lets requests finish, then has the rest answered (`refuse`), and cuts what is left.
 * @param patience milliseconds in which requests may finish.
 * @param refuse makes every request under way end soon; called once, when time is nearly up or no request is left.
 */
export async function shutdown(server: Server, patience: number, refuse: () => Promise<void>): Promise<void> {
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

/**
 * Accepts nothing more, and lets connections end as their clients expect: with an answer that says so, or when they have been idle for as long
 * as they were told.
 * @param patience milliseconds after which it resolves though connections are left.
 */
export async function drain(server: Server, patience: number): Promise<void> {
	server.prependListener('request', (_, response) => response.setHeader('connection', 'close'))
	const closed = new Promise<void>((resolve) => server.once('close', resolve))
	// HTTP's own `close` cuts idle connections, on which a request may be on its way.
	NetServer.prototype.close.call(server)
	await Promise.race([closed, sleep(patience, undefined, { ref: false })])
}
