// @huggingface/transformers in the page, as its documentation shows it, over the stock int8 file.

import { env, type FeatureExtractionPipeline, pipeline } from '@huggingface/transformers'
import { offer } from './contender.ts'

env.allowRemoteModels = false
env.allowLocalModels = true
env.localModelPath = '/'
if (env.backends.onnx.wasm) {
	env.backends.onnx.wasm.wasmPaths = '/transformers-ort/'
	env.backends.onnx.wasm.numThreads = 1
}

let loading: Promise<FeatureExtractionPipeline> | undefined
const extractor = () =>
	(loading ??= pipeline('feature-extraction', 'stock', { dtype: 'q8', device: 'wasm' }) as Promise<FeatureExtractionPipeline>)

async function embed(texts: string[]): Promise<Float32Array[]> {
	const output = await (await extractor())(texts, { pooling: 'mean', normalize: true })
	const size = output.dims.at(-1) as number
	const data = output.data as Float32Array
	return texts.map((_, row) => data.slice(row * size, (row + 1) * size))
}

offer({
	one: async (text) => (await embed([text]))[0] as Float32Array,
	all: embed,
	dispose: async () => {
		await (await extractor()).dispose()
	},
	cosine: 0.9,
})
