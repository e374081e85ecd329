// Brings reports to the edge, each until it has arrived: tries again with growing pauses, and keeps what cannot be sent now.

import type { Outbox } from './outbox.ts'
import { bodyOf } from './report.ts'
import type { Report } from './wire.ts'

/** Milliseconds until another try: at first, and at most. Half of it is left to chance, so that pages do not come all at once. */
const firstPause = 5_000
const longestPause = 10 * 60_000

/** Milliseconds that a try may take. */
const patience = 20_000

export interface SenderOptions {
	/** Address of the edge's route. */
	readonly url: string
	readonly key: string | undefined
	readonly outbox: Outbox
	readonly fetch: typeof fetch
	/** `navigator.sendBeacon`, where there is one. */
	readonly beacon?: ((url: string, body: string) => boolean) | undefined
	/** Whether there is a network, as far as is known. */
	readonly online: () => boolean
	/** Runs the work unless another page of the origin is at it. */
	readonly alone: (work: () => Promise<void>) => Promise<void>
	/** Called when the pause after a failure is over: `drain` is called again, if it still may. */
	readonly again: () => void
	/** Milliseconds since 1970. */
	readonly now: () => number
}

export interface Sender {
	/** Keeps the report, then sends all that is kept. Never rejects. */
	send(report: Report): Promise<void>
	/** Sends what is kept, unless it is too early for another try. Never rejects. */
	drain(): Promise<void>
	/** Hands the report to the browser, which sends it even when the page ends. */
	finish(report: Report): void
	/** Tries no more. */
	stop(): void
}

/** What became of one try; `pause` is what the edge asks for, in milliseconds. */
type Outcome = { readonly arrived: true } | { readonly refused: 'this' | 'all' } | { readonly pause: number }

export function makeSender({ url, key, outbox, fetch, beacon, online, alone, again, now }: SenderOptions): Sender {
	let failures = 0
	let notBefore = 0
	let stopped = false
	let timer: ReturnType<typeof setTimeout> | undefined

	async function post(report: Report): Promise<Outcome> {
		try {
			const response = await fetch(url, {
				method: 'POST',
				// Plain text needs no preflight; an edge of the page's own origin need not learn which page it is.
				headers: { 'content-type': 'text/plain;charset=UTF-8' },
				body: bodyOf(report, key, now()),
				keepalive: true,
				credentials: 'omit',
				referrerPolicy: 'origin',
				signal: AbortSignal.timeout(patience),
			})
			if (response.ok) return { arrived: true }
			const { status } = response
			if ([401, 403, 404, 405].includes(status)) return { refused: 'all' }
			if (status < 500 && status !== 429 && status !== 408) return { refused: 'this' }
			return { pause: Number(response.headers.get('retry-after')) * 1000 || 0 }
		} catch {
			return { pause: 0 }
		}
	}

	async function sendAll(): Promise<void> {
		for (let report = await outbox.first(); report && !stopped; report = await outbox.first()) {
			const outcome = await post(report)
			if ('pause' in outcome) {
				wait(outcome.pause)
				return
			}
			failures = 0
			await outbox.remove(report.id)
			// An edge without the route, or a key that is not good for it: nothing will change that soon.
			if ('refused' in outcome && outcome.refused === 'all') stop()
		}
	}

	function wait(asked: number) {
		const grown = Math.min(longestPause, firstPause * 2 ** failures++)
		const pause = Math.max(asked, grown / 2 + (Math.random() * grown) / 2)
		notBefore = now() + pause
		clearTimeout(timer)
		if (stopped) return
		timer = setTimeout(() => {
			// Timers count whole milliseconds, and another clock's.
			notBefore = 0
			again()
		}, pause)
	}

	async function drain() {
		if (stopped || !online() || now() < notBefore) return
		// Without storage reports are lost, but nothing else.
		await alone(sendAll).catch(() => {})
	}

	function stop() {
		stopped = true
		clearTimeout(timer)
	}

	return {
		async send(report) {
			if (stopped) return
			await outbox.add(report).catch(() => {})
			await drain()
		},
		drain,
		finish(report) {
			if (stopped) return
			if (online() && beacon?.(url, bodyOf(report, key, now()))) return
			outbox.add(report).catch(() => {})
		},
		stop,
	}
}
