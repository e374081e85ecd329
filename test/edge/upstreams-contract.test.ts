// The executor contract, held by upstreams of an edge, one of each kind: another edge, as a server of their protocols.

import { oipUpstream } from '../../edge/upstreams/oip/upstream.ts'
import { tfservingUpstream } from '../../edge/upstreams/tfserving/upstream.ts'
import type { UpstreamOptions } from '../../edge/upstreams/upstream.ts'
import type { Call } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { executorContract } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { packed } from '../runtime/tiny.ts'
import { startLocal } from './local.ts'
import { expectedNumbers, keys, suiteModels } from './suites/under-test.ts'
import { upstreamModel } from './upstream-model.ts'

const x = () => tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
const wrong = (tensors: Record<string, unknown>): Call => ({ kind: 'tensors', model: { name: 'tiny' }, tensors: tensors as never })

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
			const [, source] = suiteModels()
			if (!source) throw new Error('no model')
			const { manifest, digest } = await packed(source.description, source.files)
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
				model: upstreamModel({ manifest, digest }),
				environment: {},
				fetch: (url, init) => {
					sent++
					return fetch(url, init)
				},
			})
			return {
				executor,
				call: (model) => ({ kind: 'tensors', model: { name: 'tiny', ...model }, tensors: { x: x() } }),
				check(output) {
					if (output.kind !== 'tensors' || String(output.tensors.y?.data) !== String(expectedNumbers)) throw new Error('a wrong answer')
				},
				wrong: {
					'no tensor': wrong({}),
					'another name': wrong({ z: x() }),
					'one too many': wrong({ x: x(), z: x() }),
					'another shape': wrong({ x: tensor('FP32', [4, 1], x().data) }),
					'another datatype': wrong({ x: tensor('FP64', [1, 4], new Float64Array(4)) }),
					'no tensor at all': wrong({ x: null }),
				},
				hops: 1,
				hold: gate.close,
				sent: () => sent,
				close: edge.close,
			}
		},
	})
