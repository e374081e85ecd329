// Golden samples: what a device must be able to reproduce before it may serve.

import { type Tensor, tensor } from '../../../runtime/core/tensor.ts'
import type { Golden, TensorData, Tolerance } from '../../format/manifest.ts'
import { bytesOf } from '../onnx/tensor.ts'
import { type Batch, padded } from './batch.ts'
import type { TokenIds } from './measure.ts'
import type { Session } from './sessions.ts'

/**
 * How far graphs may be from the golden vectors, which are the row-wise graph's on the CPU.
 *
 * Kernels of other processors differ from those in the last bits, which moves some activations by a whole step of quantization:
 * WebAssembly comes within a cosine of 0.999. The dequantizing graph does not quantize activations at all and comes within 0.997.
 * A cosine does not see a vector of the wrong length; the largest difference does.
 */
export const tolerances = {
	rowwise: { cosine: 0.998, absolute: 0.015 },
	dequantized: { cosine: 0.995, absolute: 0.02 },
} satisfies Record<string, Tolerance>

/**
 * The samples: the shortest input there is, an everyday question, text of rare characters whose activations are large (integer
 * kernels that saturate show there), text as long as the model takes, and a padded batch of all lengths.
 *
 * @param encode gives the token ids of a text, at most the model's limit
 * @param texts long enough together to reach that limit
 */
export function goldenBatches(encode: (text: string) => TokenIds, texts: readonly string[]): { name: string; batch: Batch }[] {
	const question = encode('How do I reset my password?')
	const symbols = encode('€ 1,999.00 – ☕☕ <b>ÆØÅ</b> \\frac{1}{2} 東京 #@!?')
	const shout = encode('!!! AAAAAAAA ZZZZZZZZ 0000000000 ........ ________ ????')
	const long = encode(texts.join(' '))
	return [
		{ name: 'no words', batch: padded([encode('')]) },
		{ name: 'question', batch: padded([question]) },
		{ name: 'symbols', batch: padded([symbols]) },
		{ name: 'repetition', batch: padded([shout]) },
		{ name: 'longest', batch: padded([long]) },
		{ name: 'padded batch', batch: padded([long.slice(0, 61), question, encode('yes'), symbols, encode('')]) },
	]
}

/** A sample with the answer of `session`, as the manifest carries it. */
export async function goldenOf(session: Session, { name, batch }: { name: string; batch: Batch }): Promise<Golden> {
	const { rows, columns, ids, mask } = batch
	const vectors = await session.embed(batch)
	return {
		name,
		inputs: {
			input_ids: inJson(tensor('INT64', [rows, columns], ids)),
			attention_mask: inJson(tensor('INT64', [rows, columns], mask)),
		},
		outputs: { sentence_embedding: inJson(tensor('FP32', [rows, vectors.length / rows], vectors)) },
	}
}

function inJson(of: Tensor): TensorData {
	return { datatype: of.datatype, shape: [...of.shape], data: Buffer.from(bytesOf(of)).toString('base64') }
}
