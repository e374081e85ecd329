// Bare ONNX Runtime Web with Spillway's own graph and tokenizer, one thread, one text a run: what is left is what Spillway costs.

import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm'
import { createTokenizer } from '../../../runtime/tasks/tokenizer.ts'
import { answerInOrder } from './asking.ts'

const bytes = async (name: string) => new Uint8Array(await (await fetch(`/minilm/${name}`)).arrayBuffer())

async function load() {
	env.wasm.numThreads = 1
	env.wasm.wasmPaths = '/ort/'
	const [tokenizer, graph, weights] = await Promise.all([bytes('tokenizer.json'), bytes('wasm.onnx'), bytes('weights.bin')])
	const { encode } = createTokenizer(tokenizer, 256)
	const session = await InferenceSession.create(graph, { externalData: [{ path: 'weights.bin', data: weights }] })
	return async ([text]: readonly string[]): Promise<Float32Array[]> => {
		const ids = BigInt64Array.from(encode(text as string), BigInt)
		const int64 = (data: BigInt64Array) => new Tensor('int64', data, [1, ids.length])
		const { sentence_embedding } = await session.run({ input_ids: int64(ids), attention_mask: int64(ids.map(() => 1n)) })
		return [(sentence_embedding as Tensor).data as Float32Array]
	}
}

answerInOrder(load())
