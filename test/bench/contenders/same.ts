// The page of bare ONNX Runtime Web with Spillway's graph and tokenizer, for calls on their own.

import { askWorker } from './asking.ts'
import { offer } from './contender.ts'

const { ask, terminate } = askWorker('same-worker')
const one = async (text: string) => (await ask([text]))[0] as Float32Array

offer({
	one,
	all: (texts) => Promise.all(texts.map(one)),
	dispose: async () => terminate(),
	cosine: 0.985,
})
