// Requests a second through Spillway's edge and through others, before an upstream that answers at once.

import { rotated } from '../../part.ts'
import { figure, judged, median, pairedRatio, spread, table } from '../../statistics.ts'
import { bare, direct, nginx, portkey } from '../contenders/proxies.ts'
import { spillway } from '../contenders/spillway.ts'
import { checked, closedLoad, type Load } from '../load.ts'
import { chat, numbers } from '../workloads.ts'
import { type Part, startUpstream, withContenders } from './part.ts'

/** Connections that ask at a time. */
const levels = [1, 10, 50]

/** What is asked: requests per second to those of the bare proxy. */
const asked = 0.6

/** Seconds before anything counts: compilers have seen the code by then. */
const warmUp = 8

interface Sample extends Load {
	/** Microseconds of processor time that the contender used for a request. */
	cpu: number
}

/** Samples by number of connections, then by contender, pass by pass. */
type Samples = Record<number, Record<string, Sample[]>>

/** @param what is asked; portkey takes chat completions only. */
export const proxies =
	(what: 'chat' | 'tensors'): Part =>
	async ({ work, passes, seconds, say }) => {
		const workload = what === 'chat' ? chat : numbers()
		const upstream = await startUpstream()
		const load = closedLoad(work)
		const starts = [spillway(), bare('undici'), bare('fetch'), ...(what === 'chat' ? [portkey] : []), nginx, direct]
		try {
			return await withContenders(starts, { upstream: upstream.ready, work }, async (contenders) => {
				for (const contender of contenders) {
					const target = contender.address(workload.path)
					await checked(target, workload)
					await load(target, workload, 10, warmUp)
				}
				const samples: Samples = {}
				for (let pass = 0; pass < passes; pass++)
					for (const level of levels)
						for (const contender of rotated(contenders, pass)) {
							const before = await contender.cpu()
							const measured = await load(contender.address(workload.path), workload, level, seconds)
							const cpu = (((await contender.cpu()) - before) * 1000) / measured.total
							samples[level] = { ...samples[level] }
							samples[level][contender.name] = [...(samples[level][contender.name] ?? []), { ...measured, cpu }]
							say(`pass ${pass + 1}, c = ${level}, ${contender.name}: ${figure(measured.rate)}/s, ${figure(cpu)} µs`)
						}
				return { text: told(samples), samples }
			})
		} finally {
			await upstream.stop()
		}
	}

function told(samples: Samples): string {
	return levels
		.map((level) => {
			const of = samples[level] as Record<string, Sample[]>
			const rates = (name: string) => (of[name] ?? []).map(({ rate }) => rate)
			const base = rates('hono + undici')
			const rows = Object.entries(of).map(([name, all]) => [
				name,
				spread(rates(name)),
				figure(pairedRatio(rates(name), base)),
				figure(median(all.map(({ p50 }) => p50))),
				figure(median(all.map(({ p99 }) => p99))),
				figure(median(all.map(({ cpu }) => cpu))),
			])
			const ratio = pairedRatio(rates('spillway'), base)
			const others = Object.keys(of)
				.filter((name) => name === 'portkey' || name === 'hono + fetch')
				.map((name) => `${figure(pairedRatio(rates('spillway'), rates(name)))} times ${name}`)
			return [
				`c = ${level}\n`,
				table(['', 'requests/s', 'times hono + undici', 'p50, ms', 'p99, ms', 'processor µs a request'], rows),
				`\nSpillway: ${figure(ratio)} of hono + undici, ${asked} is asked: ${judged(ratio >= asked)}; ${others.join(', ')}.`,
			].join('\n')
		})
		.join('\n\n')
}
