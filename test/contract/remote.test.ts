// The executor contract, held by the executors that speak HTTP, against the real edge application on a real server.

import { tensor } from '../../runtime/core/tensor.ts'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { serverExecutor } from '../../runtime/remote/server.ts'
import { edgeSubject, infer, tensors, texts, x } from './edge-subject.ts'
import { executorContract } from './executor.ts'

executorContract('a Spillway edge, asked to embed', {
	make: () => edgeSubject({ make: edgeExecutor, ...texts }),
})

executorContract('a Spillway edge, asked for tensors', {
	make: () =>
		edgeSubject({
			make: edgeExecutor,
			...tensors,
			wrong: {
				'no tensor': infer({}),
				'another name': infer({ y: x() }),
				'another shape': infer({ x: tensor('FP32', [1, 3], new Float32Array(3)) }),
				'another datatype': infer({ x: tensor('FP64', [1, 4], new Float64Array(4)) }),
				'data that does not fit': infer({ x: { datatype: 'FP32', shape: [1, 4], data: new Float32Array(3) } }),
				'no tensor at all': infer({ x: null }),
			},
		}),
})

// Of other servers only what they refuse themselves is known to be refused rightly.
executorContract('any Open Inference Protocol server, binary', {
	make: () =>
		edgeSubject({
			make: serverExecutor,
			...tensors,
			wrong: { 'data that does not fit': infer({ x: { datatype: 'FP32', shape: [1, 4], data: new Float32Array(3) } }) },
		}),
})

executorContract('any Open Inference Protocol server, JSON', {
	make: () =>
		edgeSubject({
			make: (options) => serverExecutor({ ...options, binary: false }),
			...tensors,
			wrong: { 'no tensor at all': infer({ x: 'x' }) },
		}),
})
