// Bare ONNX Runtime Web in a worker that keeps its files in Cache Storage.

import { askWorker } from './asking.ts'
import { offer } from './contender.ts'

const { ask, terminate } = askWorker('cached-worker')

offer({
	one: async (text) => (await ask([text]))[0] as Float32Array,
	all: ask,
	dispose: async () => terminate(),
	cosine: 0.9,
})
