// Reports that could not be sent yet, kept in the browser's storage: over offline times and visits, but few and not for long.

import type { Records } from '../store/storage/storage.ts'
import { maxReportAge, type Report } from './wire.ts'

/** Reports that are kept; the oldest go. */
const mostKept = 20

export interface Outbox {
	/** Keeps a report. */
	add(report: Report): Promise<void>
	/** The oldest that is not too old to be counted. */
	first(): Promise<Report | undefined>
	remove(id: string): Promise<void>
	/** Throws all away. */
	clear(): Promise<void>
}

/**
 * @param records where reports are kept, for all pages of the origin.
 * @param url where they go: what one edge was to be told, no other one is.
 * @param now milliseconds since 1970.
 */
export function makeOutbox(records: Records, url: string, now: () => number): Outbox {
	const name = `telemetry ${url}`
	const current = (reports: readonly Report[] = []) => reports.filter(({ madeAt }) => Math.abs(now() - madeAt) < maxReportAge)
	const change = (make: (reports: readonly Report[]) => readonly Report[]) =>
		records.update<readonly Report[]>(name, (reports) => make(current(reports)))
	return {
		add: (report) => change((reports) => [...reports, report].slice(-mostKept)),
		first: async () => current(await records.get<readonly Report[]>(name))[0],
		remove: (id) => change((reports) => reports.filter((report) => report.id !== id)),
		clear: () => records.delete(name),
	}
}
