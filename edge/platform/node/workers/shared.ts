// What the workers share, kept by the primary: quotas, reports, spans, comparisons, and the figures of all of them, of those that have ended, too.

import { memoryQuota } from '../../../auth/quota.ts'
import { version } from '../../../cli/package.ts'
import { type Figures, prometheusStore } from '../../../metrics/prometheus.ts'
import { remains, renderTogether } from '../../../metrics/together.ts'
import { memoryReports } from '../../../telemetry/reports.ts'
import { memorySpans } from '../../../telemetry/spans.ts'
import { memoryComparisons } from '../../../versions/comparisons.ts'
import type { Member, Shared } from './member.ts'

export interface SharedByWorkers {
	readonly answers: Shared
	/** Counts the member in, until it ends. */
	join(member: Member): void
	/** All that have not ended. */
	members(): Iterable<Member>
	/** Counts a replacement. */
	replaced(reason: 'crash' | 'hang' | 'reload'): void
}

/** Milliseconds that a worker has to tell its figures; of one that does not, the last ones count. */
const patience = 1_000

export function sharedByWorkers(): SharedByWorkers {
	const members = new Set<Member>()
	const own = prometheusStore({ version, platform: 'node' })
	const quota = memoryQuota()
	const reports = memoryReports()
	const spans = memorySpans()
	const comparisons = memoryComparisons()
	let ended: Promise<Figures> = Promise.resolve([])

	async function latest(member: Member): Promise<Figures> {
		const asked = member.ask('figures').then((figures) => {
			member.figures = figures
		})
		await Promise.race([asked.catch(() => {}), new Promise((resolve) => setTimeout(resolve, patience).unref())])
		return member.figures
	}

	return {
		answers: {
			async metrics() {
				const all = await Promise.all([...members].map(latest))
				return renderTogether([await own.figures(), await ended, ...all])
			},
			take: quota.take,
			first: reports.first,
			trace: spans.add,
			latest: spans.latest,
			compare: comparisons.add,
			compared: comparisons.of,
		},
		join(member) {
			members.add(member)
			own.add([{ metric: 'spillway_workers', labels: {}, value: 1 }])
			member.exited.then(() => {
				members.delete(member)
				own.add([{ metric: 'spillway_workers', labels: {}, value: -1 }])
				ended = ended.then((before) => remains(before, member.figures))
			})
		},
		members: () => members,
		replaced: (reason) => own.add([{ metric: 'spillway_workers_replaced_total', labels: { reason }, value: 1 }]),
	}
}
