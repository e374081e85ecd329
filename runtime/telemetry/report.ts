// From what was recorded to a report that may be sent.

import { hexOf } from '../core/hex.ts'
import type { Recorded } from './recorder.ts'
import { type DeviceClass, type KeyedReport, maxReportBytes, type Report, reportFormat } from './wire.ts'

export interface About {
	/** Of the package. */
	readonly version: string
	readonly build: string
	readonly device: DeviceClass
}

/** @param now milliseconds since 1970. */
export const makeReport = (about: About, recorded: Recorded, now: number): Report => ({
	format: reportFormat,
	id: newId(),
	...about,
	madeAt: now,
	sentAt: now,
	...recorded,
})

/** `crypto.randomUUID` is there in secure contexts only. */
function newId(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(16))
	// Version 4, variant 1 (RFC 9562).
	bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
	bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
	const hex = hexOf(bytes)
	return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The report as it is posted; spans that do not fit are left out. */
export function bodyOf(report: Report, key: string | undefined, now: number): string {
	for (let { spans } = report; ; spans = spans.slice(Math.ceil(spans.length / 2))) {
		// Characters are bytes here: names were made plain when they were recorded.
		const body = JSON.stringify({ ...report, spans, sentAt: now, key } satisfies KeyedReport)
		if (body.length <= maxReportBytes || spans.length === 0) return body
	}
}
