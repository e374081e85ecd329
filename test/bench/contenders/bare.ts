// Bare ONNX Runtime Web in a worker, one thread, one text a run, in order of arrival: what people write by hand.

import { askWorker } from './asking.ts'
import { offer } from './contender.ts'

const { ask, terminate } = askWorker('bare-worker')

offer({
	one: async (text) => (await ask([text]))[0] as Float32Array,
	all: ask,
	dispose: async () => terminate(),
	cosine: 0.9,
})
