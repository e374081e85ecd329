// The executor contract, held by upstreams of an edge: another edge, as a server of their protocols.

import { oipUpstream } from '../../edge/upstreams/oip/upstream.ts'
import { tfservingUpstream } from '../../edge/upstreams/tfserving/upstream.ts'
import type { UpstreamOptions } from '../../edge/upstreams/upstream.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { executorContract } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { startLocal } from './local.ts'
import { keys } from './suites/under-test.ts'
import { tinyModel, tinySubject } from './tiny-subject.ts'

type Connection = Omit<UpstreamOptions<unknown>, 'upstream'>

/** How the executor of each kind is made, for the model `tiny` of the edge at `url`. */
const upstreams: Record<string, (url: string, connection: Connection) => Executor> = {
	oip: (url, connection) => oipUpstream({ upstream: { name: 'gpu', url, binary: true }, ...connection }),
	'oip, as JSON': (url, connection) => oipUpstream({ upstream: { name: 'gpu', url, binary: false }, ...connection }),
	tfserving: (url, connection) => tfservingUpstream({ upstream: { name: 'gpu', url, format: 'columns' }, ...connection }),
	'tfserving, in rows': (url, connection) => tfservingUpstream({ upstream: { name: 'gpu', url, format: 'rows' }, ...connection }),
}

for (const [kind, executorOf] of Object.entries(upstreams))
	executorContract(`an upstream of the kind ${kind}`, {
		async make() {
			const gate = makeGate()
			const edge = await startLocal({
				replace: ({ executor }) => ({
					...executor,
					infer: (call, context) => gate.passed().then(() => executor.infer(call, context)),
				}),
			})
			let sent = 0
			const executor = executorOf(edge.url, {
				key: keys.secret,
				model: await tinyModel(),
				environment: {},
				fetch: (url, init) => {
					sent++
					return fetch(url, init)
				},
			})
			return { ...tinySubject, executor, hold: gate.close, sent: () => sent, close: edge.close }
		},
	})
