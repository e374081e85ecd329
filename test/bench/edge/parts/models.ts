// What a request costs at an edge with few models and routes, and at one with many.

import type { EdgeConfigInput } from '../../../../edge/config/schema.ts'
import { rotated } from '../../part.ts'
import { figure, judged, median, pairedRatio, spread, table } from '../../statistics.ts'
import { benchKey, spillway } from '../contenders/spillway.ts'
import { checked, closedLoad } from '../load.ts'
import { numbers } from '../workloads.ts'
import { type Part, startUpstream, withContenders } from './part.ts'

const counts = [10, 10_000]

/** What is asked: the ratio of medians at most. */
const mostRatio = 1.1

const connections = 10
const warmUp = 5

const nameOf = (at: number) => `numbers-${at}`

/** So many models, each with a route to two upstreams of its own name. */
const withModels =
	(count: number) =>
	(upstream: string): EdgeConfigInput => {
		const names = Array.from({ length: count }, (_, at) => nameOf(at))
		const declared = {
			inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [1, 4] }],
			outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [1, 3] }],
		}
		return {
			models: Object.fromEntries(names.map((name) => [name, { inProcess: false, declared }])),
			upstreams: ['a', 'b'].map((name) => ({
				name,
				kind: 'oip',
				url: upstream,
				models: Object.fromEntries(names.map((model) => [model, {}])),
			})),
			keys: [benchKey],
		}
	}

export const models: Part = async ({ work, passes, seconds, say }) => {
	const upstream = await startUpstream()
	const load = closedLoad(work)
	const starts = counts.map((count) => spillway({ name: `models-${count}`, config: withModels(count) }))
	try {
		return await withContenders(starts, { upstream: upstream.ready, work }, async (contenders) => {
			const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
			// In the middle of them all.
			const workloads = counts.map((count) => numbers(nameOf(count / 2)))
			const asked = contenders.map((contender, at) => ({ contender, workload: workloads[at] as ReturnType<typeof numbers> }))
			for (const { contender, workload } of asked) {
				const target = contender.address(workload.path)
				await checked(target, workload)
				await load(target, workload, connections, warmUp)
			}
			for (let pass = 0; pass < passes; pass++)
				for (const { contender, workload } of rotated(asked, pass)) {
					const before = await contender.cpu()
					const { rate, total } = await load(contender.address(workload.path), workload, connections, seconds)
					const cost = (((await contender.cpu()) - before) * 1000) / total
					times.get(contender.name)?.push(cost)
					say(`pass ${pass + 1}, ${contender.name}: ${figure(cost)} µs a request, ${figure(rate)}/s`)
				}
			const [few = [], many = []] = [...times.values()]
			const ratio = median(many) / median(few)
			const text = [
				table(
					['models and routes', 'processor µs a request', 'to the least'],
					counts.map((count, at) => {
						const of = [...times.values()][at] ?? []
						return [String(count), spread(of), figure(pairedRatio(of, few))]
					}),
				),
				`\nRatio of medians: ${figure(ratio)} of at most ${mostRatio}, ${judged(ratio <= mostRatio)}.`,
			].join('\n')
			return { text, samples: Object.fromEntries(times) }
		})
	} finally {
		await upstream.stop()
	}
}
