// How one thread learns at once that another is gone: workers have no event for it, but a Web Lock is given up when its holder dies.

import { messageOf, SpillwayError } from '../core/error.ts'

/**
 * Holds a new Web Lock for as long as this thread lives.
 *
 * @param life gives it up earlier, when it aborts.
 * @param locks for tests.
 * @returns the lock's name, to be handed to whoever wants to know.
 * @throws SpillwayError `environment` outside a secure context.
 */
export async function holdLifeline(what: string, life?: AbortSignal, locks = navigator.locks): Promise<string> {
	if (!locks)
		throw new SpillwayError('environment', 'Web Locks are missing: the page must be a secure context (https, or http on localhost)')
	const name = `spillway-${what}-${crypto.randomUUID()}`
	await new Promise<void>((granted, failed) => {
		locks
			.request(name, () => {
				granted()
				return new Promise<void>((end) => (life?.aborted ? end() : life?.addEventListener('abort', () => end())))
			})
			.catch((cause) =>
				failed(
					new SpillwayError(
						'environment',
						`Web Locks are refused here, as in frames of other sites by some browsers: ${messageOf(cause)}`,
						{ cause },
					),
				),
			)
	})
	return name
}

/** Calls `gone` once when the holder of the lifeline has died, unless `signal` aborts before. */
export function watchLifeline(name: string, signal: AbortSignal, gone: () => void, locks = navigator.locks): void {
	// Shared: one of several who watch may be frozen when it is granted, and would keep it from the others.
	locks.request(name, { mode: 'shared', signal }, gone).catch(() => {
		// Aborted: nobody wants to know any more.
	})
}

/**
 * As `watchLifeline`, for who has just heard from the holder. When the lock is free all the same, the two see different locks, and nothing is watched:
 * so it is in Chromium 156 between a page and the workers that it starts after all that its origin had stored was deleted.
 */
export async function watchNeighbour(name: string, signal: AbortSignal, gone: () => void, locks = navigator.locks): Promise<void> {
	const isHeld = await locks.request(name, { mode: 'shared', ifAvailable: true }, (lock) => lock === null).catch(() => true)
	if (isHeld) watchLifeline(name, signal, gone, locks)
}
