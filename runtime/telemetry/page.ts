// `telemetry.js`: what pages load beside the entry when there is something to observe.

import type { Settings } from '../page/options.ts'
import { browserRecords } from '../store/storage/records.ts'
import { openRecords } from '../store/storage/resilient-records.ts'
import type { Records } from '../store/storage/storage.ts'
import { deviceClass } from './device.ts'
import { later } from './later.ts'
import type { Observe } from './observation.ts'
import { makeOutbox } from './outbox.ts'
import { makeSender } from './sender.ts'
import { makeTelemetry, type Reporting } from './telemetry.ts'
import { telemetryPath } from './wire.ts'

/** The package's, put here by the build. */
declare const __SPILLWAY_VERSION__: string

/**
 * Begins to observe; ends with the runtime.
 *
 * Without an edge, without a key (which every edge asks for) and under `device-only` nothing is kept or sent.
 *
 * @param settings of the runtime; `telemetry` is not `false`.
 * @param disposal aborts when the runtime is disposed.
 */
export function startTelemetry({ telemetry: options, edge, key, policy }: Settings, disposal: AbortSignal): Observe {
	const { tracer, consent } = options || {}
	const reporting =
		edge !== undefined && key !== undefined && policy !== 'device-only' ? reportingTo(edge, key, () => void telemetry.again()) : null
	const telemetry = makeTelemetry({ tracer, consent, edge, reporting, timeline: performance, now: Date.now })
	const { observe, flush } = later(telemetry.observe)
	const life = new AbortController()
	const { signal } = life
	const finish = () => {
		flush()
		telemetry.finish()
	}
	const hidden = () => {
		if (globalThis.document?.visibilityState === 'hidden') finish()
	}
	// The page may have been hidden before this was loaded; first comes what was to be told of.
	setTimeout(hidden)
	globalThis.document?.addEventListener('visibilitychange', hidden, { signal })
	globalThis.addEventListener?.('pagehide', finish, { signal })
	globalThis.addEventListener?.('online', () => telemetry.again(), { signal })
	const end = () => {
		flush()
		life.abort()
		telemetry.stop()
	}
	if (disposal.aborted) end()
	else disposal.addEventListener('abort', end)
	return observe
}

function reportingTo(edge: string, key: string, again: () => void): Reporting {
	const { navigator } = globalThis
	const url = edge + telemetryPath
	const outbox = makeOutbox(pageRecords(), url, Date.now)
	const sender = makeSender({
		url,
		key,
		outbox,
		fetch: (...request) => globalThis.fetch(...request),
		beacon: (url, body) => navigator.sendBeacon?.(url, body) ?? false,
		online: () => navigator.onLine !== false,
		async alone(work) {
			// Only secure contexts have locks.
			if (!navigator.locks) return work()
			await navigator.locks.request('spillway telemetry', { ifAvailable: true }, async (lock) => {
				if (lock) await work()
			})
		},
		again,
		now: Date.now,
	})
	return { about: { version: __SPILLWAY_VERSION__, ...deviceClass(navigator, globalThis.crossOriginIsolated === true) }, outbox, sender }
}

/** This origin's records, opened when first needed. */
function pageRecords(): Records {
	let opening: Promise<Records> | undefined
	const records = () => {
		opening ??= openRecords(browserRecords, () => {})
		return opening
	}
	return {
		get: async (key) => (await records()).get(key),
		set: async (key, value) => (await records()).set(key, value),
		update: async (key, change) => (await records()).update(key, change),
		delete: async (key) => (await records()).delete(key),
	}
}
