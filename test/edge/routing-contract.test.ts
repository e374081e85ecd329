// The executor contract, held by several upstreams behind one executor, with all that stands around them.

import { cuttingOf } from '../../edge/upstreams/routing/cutting.ts'
import { type RoutingOptions, routed } from '../../edge/upstreams/routing/group.ts'
import { health } from '../../edge/upstreams/routing/health.ts'
import { limited } from '../../edge/upstreams/routing/limited.ts'
import { upstreamLoad } from '../../edge/upstreams/routing/load.ts'
import type { Member } from '../../edge/upstreams/routing/member.ts'
import { shedding } from '../../edge/upstreams/routing/shedding.ts'
import { watched } from '../../edge/upstreams/routing/watched.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { serverExecutor } from '../../runtime/remote/server.ts'
import { edgeSubject, infer, type Parts, tensors, texts } from '../contract/edge-subject.ts'
import { executorContract } from '../contract/executor.ts'

const cutting = cuttingOf({ inputs: null, outputs: null })

function member(executor: Executor, across: boolean): Member {
	const load = upstreamLoad({ name: executor.name, across })
	const up = health(
		async () => true,
		() => {},
	)
	return { executor: limited(load)(watched(up)(executor)), load, cost: 0, variant: undefined, check: up.check }
}

type Connection = Parameters<Parts['make']>[0]

const over =
	(kind: (connection: Connection) => Executor, names: readonly string[], across: boolean, more: Partial<RoutingOptions> = {}) =>
	(connection: Connection): Executor => {
		const members = names.map((name) => member(kind({ ...connection, name }), across))
		return shedding({ callsPerModel: 100, longestWait: 60_000 })(routed('upstreams', members, { prefer: 'latency', cutting, ...more }))
	}

const numbers = {
	...tensors,
	wrong: { 'data that does not fit': infer({ x: { datatype: 'FP32', shape: [1, 4], data: new Float32Array(3) } }) },
}

executorContract('one upstream behind routing', {
	make: () => edgeSubject({ ...numbers, make: over(serverExecutor, ['a'], true) }),
})
executorContract('two upstreams', {
	make: () => edgeSubject({ ...numbers, make: over(serverExecutor, ['a', 'b'], true) }),
})
executorContract('three upstreams that take tasks, where no call wakes another', {
	make: () => edgeSubject({ ...texts, make: over(edgeExecutor, ['a', 'b', 'c'], false, { prefer: 'cost' }) }),
})
executorContract('two upstreams, asked both where one is slow', {
	make: () => edgeSubject({ ...texts, make: over(edgeExecutor, ['a', 'b'], true, { hedge: 5_000 }) }),
})
