// The executor contract, held by an upstream of an edge: another edge, as a server of the Open Inference Protocol.

import { oipUpstream } from '../../edge/upstreams/oip/upstream.ts'
import type { Call } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { executorContract } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { packed } from '../runtime/tiny.ts'
import { startLocal } from './local.ts'
import { expectedNumbers, keys, suiteModels } from './suites/under-test.ts'
import { upstreamModel } from './upstream-model.ts'

const x = () => tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
const wrong = (tensors: Record<string, unknown>): Call => ({ kind: 'tensors', model: { name: 'tiny' }, tensors: tensors as never })

executorContract('an upstream', {
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
		const executor = oipUpstream({
			upstream: { name: 'gpu', url: edge.url, binary: true },
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
