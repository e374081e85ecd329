// Everything that becomes of observations: entries in the browser's tools, spans for the application's tracer, reports to the edge.

import { type Marks, makeMarks } from './marks.ts'
import type { Observe } from './observation.ts'
import type { TelemetryOptions } from './options.ts'
import type { Outbox } from './outbox.ts'
import { makeRecorder } from './recorder.ts'
import { type About, makeReport } from './report.ts'
import type { Sender } from './sender.ts'
import { followLoads, type Timeline } from './timeline.ts'
import { endCallSpan, traceLoad } from './tracer.ts'

/** Milliseconds between two reports; up to a fifth more or less, so that pages do not come all at once. */
const interval = 30_000
/** Milliseconds between two reports when there is much to tell. */
const shortest = 5_000

/** Where reports go. */
export interface Reporting {
	readonly about: About
	readonly sender: Sender
	readonly outbox: Outbox
}

export interface TelemetryParts extends Pick<TelemetryOptions, 'tracer' | 'consent'> {
	/** Address of the edge, for the attributes of spans. */
	readonly edge: string | undefined
	/** Null where nothing may be sent. */
	readonly reporting: Reporting | null
	readonly timeline: Pick<Performance, 'measure' | 'clearMeasures'>
	/** Milliseconds since 1970. */
	readonly now: () => number
}

export interface Telemetry {
	readonly observe: Observe
	/** Reports what there is, in the way of a page that may end now. */
	finish(): Promise<void>
	/** What is kept may be sent now: the network is back, or a pause is over. */
	again(): Promise<void>
	/** Reports for the last time, and forgets all. */
	stop(): Promise<void>
}

const nothing: Timeline = { phases: [], downloaded: 0, stored: 0 }

/** Begins to observe. Neither throws nor rejects once it has begun: nothing here may disturb a call. */
export function makeTelemetry({ tracer, consent, edge, reporting, timeline, now }: TelemetryParts): Telemetry {
	const recorder = makeRecorder()
	const loads = followLoads()
	const marks: Marks = makeMarks(timeline)
	let timer: ReturnType<typeof setTimeout> | undefined
	let reported = Number.NEGATIVE_INFINITY
	let asking = false
	let stopped = false

	/** Asks anew each time; a refusal reaches what was kept before it, too. */
	async function mayReport({ outbox }: Reporting): Promise<boolean> {
		if (!consent) return true
		const allowed = await Promise.resolve()
			.then(consent)
			.catch(() => false)
		if (allowed === true) return true
		recorder.take()
		await outbox.clear().catch(() => {})
		return false
	}

	async function report(way: 'send' | 'finish'): Promise<void> {
		clearTimeout(timer)
		timer = undefined
		if (!reporting || asking || recorder.empty) return
		reported = performance.now()
		asking = true
		// Without a hook nothing is waited for: a page that ends may not come back here.
		const allowed = consent ? await mayReport(reporting) : true
		asking = false
		if (!allowed || recorder.empty) return
		const made = makeReport(reporting.about, recorder.take(), now())
		if (way === 'finish') reporting.sender.finish(made)
		else await reporting.sender.send(made)
	}

	/** One timer at most, and none while nothing happens. */
	function schedule() {
		if (!reporting || stopped || recorder.empty) return
		if (recorder.full && performance.now() - reported > shortest) report('send')
		timer ??= setTimeout(() => report('send'), interval * (0.8 + Math.random() * 0.4))
	}

	return {
		observe(observation, at) {
			// A span that has begun has to end.
			if (observation.type === 'call') endCallSpan(observation, at, edge)
			if (stopped) return
			if (observation.type === 'progress') {
				loads.progress(observation, at)
				return
			}
			if (observation.type === 'call') {
				marks.call(observation, at)
				if (reporting && observation.policy !== 'device-only') recorder.call(observation, at)
			} else {
				const followed = loads.end(observation.model, at)
				// It was there.
				if (!followed && !observation.error) return
				const course = followed ?? nothing
				marks.load(observation, at, course)
				if (tracer) traceLoad(tracer, observation, at, course)
				if (reporting) recorder.load(observation, at, course)
			}
			schedule()
		},
		finish: () => report('finish'),
		async again() {
			if (!stopped && reporting && (await mayReport(reporting))) await reporting.sender.drain()
		},
		async stop() {
			stopped = true
			marks.clear()
			await report('finish')
			reporting?.sender.stop()
		},
	}
}
