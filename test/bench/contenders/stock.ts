// Tokenizer and session by hand, as people write them around the stock int8 file: one padded batch for each call.

import { Tokenizer } from '@huggingface/tokenizers'
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm'

/**
 * @param threads of ONNX Runtime.
 * @param read gets a file; the model's then is handed over as bytes. Default: over the network, and ONNX Runtime fetches the model itself.
 * @returns what embeds texts as one padded batch.
 */
export async function stockModel(
	threads: number,
	read?: (address: string) => Promise<Response>,
): Promise<(texts: readonly string[]) => Promise<Float32Array[]>> {
	env.wasm.numThreads = threads
	env.wasm.wasmPaths = '/ort/'
	const json = async (address: string) => (await (read ?? fetch)(address)).json()
	const model = '/stock/onnx/model_quantized.onnx'
	const [file, config, session] = await Promise.all([
		json('/stock/tokenizer.json'),
		json('/stock/tokenizer_config.json'),
		read ? InferenceSession.create(await (await read(model)).arrayBuffer()) : InferenceSession.create(model),
	])
	const tokenizer = new Tokenizer(file, config)

	return async (texts) => {
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
		return pooled(outputs[session.outputNames[0] as string] as Tensor, mask, rows.length, width)
	}
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
