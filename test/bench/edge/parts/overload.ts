// The capacity of an edge before an upstream that takes so many calls at a time, and what comes through at twice that.

import type { EdgeConfigInput } from '../../../../edge/config/schema.ts'
import { figure, judged, table } from '../../statistics.ts'
import { benchConfig, spillway } from '../contenders/spillway.ts'
import { type OpenLoad, openLoad } from '../load.ts'
import { numbers } from '../workloads.ts'
import { type Part, startUpstream, withContenders } from './part.ts'

/** Milliseconds that the upstream takes, and calls that it takes at a time: 800 calls a second are the most that can be. */
const [took, atATime] = [10, 8]
const limit = (atATime * 1000) / took

/** Milliseconds in which an answer is wanted. */
const deadline = 1_000

const [searching, overloaded] = [10, 30]

/** Milliseconds between two looks at the memory. */
const lookEvery = 5_000

/** Seconds of the same load before, in which the memory grows to what the load needs. */
const settling = 45

/** What is asked of the memory: at the end to the start of the overload, at most. */
const flat = 1.05

/** What is asked: goodput at twice the capacity to the capacity. */
const asked = 0.9

/** Share of the limit by which the search ends. */
const exact = 0.04

const oneUpstream = (upstream: string): EdgeConfigInput => {
	const config = benchConfig(upstream)
	return {
		...config,
		models: { numbers: config.models?.numbers ?? {} },
		upstreams: [{ name: 'gpu', kind: 'oip', url: upstream, models: { numbers: {} } }],
	}
}

const refusals = ({ refused }: OpenLoad): number => Object.values(refused).reduce((sum, count) => sum + count, 0)

export const overload: Part = async ({ work, say }) => {
	const upstream = await startUpstream(took, atATime)
	const workload = numbers()
	try {
		return await withContenders(
			[spillway({ name: 'overload', config: oneUpstream })],
			{ upstream: upstream.ready, work },
			async ([edge]) => {
				if (!edge) throw new Error('no edge')
				const target = edge.address(workload.path)
				// Nothing is known of the upstream at first: what is refused until then does not count.
				await openLoad(target, workload, limit / 2, 3, deadline)
				let [able, unable] = [limit / 2, limit * 1.1]
				while (unable - able > limit * exact) {
					const rate = (able + unable) / 2
					const load = await openLoad(target, workload, rate, searching, deadline)
					const holds = refusals(load) + load.late === 0
					say(`${figure(rate)}/s: ${holds ? 'holds' : `${refusals(load)} refused, ${load.late} late`}`)
					if (holds) able = rate
					else unable = rate
				}
				await openLoad(target, workload, 2 * able, settling, deadline)
				const memory = [await edge.memory()]
				const timer = setInterval(async () => memory.push(await edge.memory()), lookEvery)
				const load = await openLoad(target, workload, 2 * able, overloaded, deadline)
				clearInterval(timer)
				const goodput = load.good / overloaded
				const share = goodput / able
				const growth = (memory.at(-1) ?? 0) / (memory[0] ?? 0)
				const rows = [
					['capacity, calls/s without a refusal', figure(able)],
					['goodput at twice that, answers/s within the deadline', `${figure(goodput)} (${figure(share)})`],
					[
						'refused',
						Object.entries(load.refused)
							.map(([status, count]) => `${count} by ${status}`)
							.join(', ') || '0',
					],
					['of these without a time to come back', String(load.untold)],
					['late', String(load.late)],
					[`memory before, and each ${lookEvery / 1000} s, MB`, memory.map(figure).join(', ')],
				]
				return {
					text: [
						table(['', ''], rows),
						`\nGoodput: ${figure(share)} of capacity, ${asked} is asked: ${judged(share >= asked)}.`,
						`Memory: ${figure(growth)} times that at the start, ${flat} at most is asked: ${judged(growth <= flat)}.`,
					].join('\n'),
					samples: { capacity: able, load, memory },
				}
			},
		)
	} finally {
		await upstream.stop()
	}
}
