// What activations look like on ordinary text: the ranges that smoothing needs.

import { floatModel, type Ranges, rangeName } from './assemble.ts'
import { padded } from './batch.ts'
import type { Checkpoint } from './checkpoint.ts'
import { type Product, products } from './encoder.ts'
import { onNode } from './sessions.ts'

/**
 * Runs the fp32 model over texts and keeps the largest magnitude of every input channel of every product.
 *
 * @param texts token ids; each runs alone, so that padding has no part in it
 */
export async function calibrate(checkpoint: Checkpoint, texts: readonly (readonly number[])[]): Promise<Ranges> {
	const session = await onNode(floatModel(checkpoint, { ranges: true }))
	const ranges: Record<Product, Float32Array>[] = checkpoint.layers.map(({ query, attention, intermediate, output }) => ({
		qkv: new Float32Array(query.weight.rows),
		attention: new Float32Array(attention.weight.rows),
		intermediate: new Float32Array(intermediate.weight.rows),
		output: new Float32Array(output.weight.rows),
	}))
	for (const ids of texts) {
		const outputs = await session.run(padded([ids]))
		ranges.forEach((layer, number) => {
			for (const product of products) widen(layer[product], outputs[rangeName(number, product)] as Float32Array)
		})
	}
	await session.release()
	return ranges
}

function widen(range: Float32Array, by: Float32Array): void {
	for (let i = 0; i < range.length; i++) range[i] = Math.max(range[i] as number, by[i] as number)
}
