// The worker of the bare contender: tokenizer and session, one padded batch for each call.

import { Tokenizer } from '@huggingface/tokenizers'
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm'

env.wasm.numThreads = 1
env.wasm.wasmPaths = '/ort/'

const json = async (address: string) => (await fetch(address)).json()
const model = Promise.all([
	Promise.all([json('/stock/tokenizer.json'), json('/stock/tokenizer_config.json')]).then(
		([model, config]) => new Tokenizer(model, config),
	),
	InferenceSession.create('/stock/onnx/model_quantized.onnx'),
])

// onnxruntime-web queues the runs of a session by itself, but tokenizing and pooling stay in order of arrival, too.
let before: Promise<unknown> = Promise.resolve()
self.onmessage = ({ data }: MessageEvent<{ id: number; texts: string[] }>) => {
	before = before.then(async () => {
		const vectors = await embed(data.texts)
		postMessage({ id: data.id, vectors }, { transfer: vectors.map((vector) => vector.buffer as ArrayBuffer) })
	})
}

async function embed(texts: string[]): Promise<Float32Array[]> {
	const [tokenizer, session] = await model
	const rows = texts.map((text) => {
		const ids = tokenizer.encode(text).ids
		return ids.length > 256 ? [...ids.slice(0, 255), ids.at(-1) as number] : ids
	})
	const width = Math.max(...rows.map((row) => row.length))
	const ids = new BigInt64Array(rows.length * width)
	const mask = new BigInt64Array(rows.length * width)
	for (const [index, row] of rows.entries()) {
		for (const [column, id] of row.entries()) {
			ids[index * width + column] = BigInt(id)
			mask[index * width + column] = 1n
		}
	}
	const shape = [rows.length, width]
	const feeds: Record<string, Tensor> = { input_ids: new Tensor('int64', ids, shape), attention_mask: new Tensor('int64', mask, shape) }
	if (session.inputNames.includes('token_type_ids')) feeds.token_type_ids = new Tensor('int64', new BigInt64Array(ids.length), shape)
	const outputs = await session.run(feeds)
	const output = outputs[session.outputNames[0] as string] as Tensor
	return pooled(output, mask, rows.length, width)
}

/** Mean over the mask and L2 normalisation, unless the graph did it. */
function pooled(output: Tensor, mask: BigInt64Array, rows: number, width: number): Float32Array[] {
	const data = output.data as Float32Array
	const size = output.dims.at(-1) as number
	return Array.from({ length: rows }, (_, row) => {
		if (output.dims.length === 2) return data.slice(row * size, (row + 1) * size)
		const vector = new Float32Array(size)
		for (let column = 0; column < width; column++) {
			if (mask[row * width + column] === 0n) continue
			for (let i = 0; i < size; i++) vector[i] = (vector[i] as number) + (data[(row * width + column) * size + i] as number)
		}
		const norm = Math.hypot(...vector)
		return vector.map((value) => value / norm)
	})
}
