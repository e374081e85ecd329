// Requests a second through Spillway's Worker, through a bare one, and through a bare one with bounds, all on workerd.

import { rotated } from '../../part.ts'
import { figure, judged, median, pairedRatio, spread, table } from '../../statistics.ts'
import { bareWorker, boundedWorker, spillwayWorker } from '../contenders/workers.ts'
import { checked, closedLoad, type Load } from '../load.ts'
import { numbers } from '../workloads.ts'
import { type Part, startUpstream, withContenders } from './part.ts'

const levels = [1, 10, 50]

/** What is asked: requests per second to those of the bare Worker. */
const asked = 0.8

const warmUp = 5

export const workers: Part = async ({ work, passes, seconds, say }) => {
	const workload = numbers()
	const upstream = await startUpstream()
	const load = closedLoad(work)
	try {
		return await withContenders([spillwayWorker, bareWorker, boundedWorker], { upstream: upstream.ready, work }, async (contenders) => {
			for (const contender of contenders) {
				const target = contender.address(workload.path)
				await checked(target, workload)
				await load(target, workload, 10, warmUp)
			}
			const samples: Record<string, Load[]> = {}
			for (let pass = 0; pass < passes; pass++)
				for (const level of levels)
					for (const contender of rotated(contenders, pass)) {
						const measured = await load(contender.address(workload.path), workload, level, seconds)
						const name = `${contender.name}, c = ${level}`
						samples[name] = [...(samples[name] ?? []), measured]
						say(`pass ${pass + 1}, ${name}: ${figure(measured.rate)}/s`)
					}
			const rates = (name: string, level: number) => (samples[`${name}, c = ${level}`] ?? []).map(({ rate }) => rate)
			const rows = levels.map((level) => {
				const ratio = pairedRatio(rates('spillway', level), rates('hono + fetch', level))
				const p99 = median((samples[`spillway, c = ${level}`] ?? []).map((one) => one.p99))
				return [
					String(level),
					spread(rates('spillway', level)),
					spread(rates('hono + fetch', level)),
					`${figure(ratio)}, ${judged(ratio >= asked)}`,
					figure(pairedRatio(rates('hono + fetch, bounded', level), rates('hono + fetch', level))),
					figure(p99),
				]
			})
			return {
				text: `${table(['c', 'spillway, requests/s', 'bare Hono and fetch', `ratio, ${asked} is asked`, 'the bare one with bounds', 'p99, ms'], rows)}`,
				samples,
			}
		})
	} finally {
		await upstream.stop()
	}
}
