// Measures a quantized model against the fp32 one:
//
//   node models/tools/minilm/evaluate.ts --model model.onnx [--variant models/minilm] [--texts file.txt] [--speed]

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createTokenizer } from '../../../runtime/tasks/tokenizer.ts'
import { floatModel, weightsFile } from './assemble.ts'
import { readCheckpoint } from './checkpoint.ts'
import { batchDifference, dot, embedAlone, type Likeness, likeness, speed, type TokenIds } from './measure.ts'
import { onNode, onWasm, type Session } from './sessions.ts'
import { evaluationTexts, readTexts } from './texts.ts'

/** Longest input, in tokens: what sentence-transformers uses for this model. */
export const maxTokens = 256

/** One graph on one provider. `batchDifference`: see measure.ts. */
export interface Accuracy extends Likeness {
	readonly batchDifference: number
}

/** All graphs of a variant on a set of texts. */
export interface Evaluation {
	readonly cpu: Accuracy
	readonly wasm: Accuracy
	/** The dequantizing graph; its float products are run on the CPU. */
	readonly webgpu: Accuracy
	/** Smallest cosine between the same text's vectors on the CPU and in WebAssembly. */
	readonly cpuToWasm: number
}

/** Opens the sessions of a variant, under the names of {@link Evaluation}. */
export async function openVariant(folder: string): Promise<Record<'cpu' | 'wasm' | 'webgpu', Session>> {
	return {
		cpu: await onNode(join(folder, 'wasm.onnx')),
		wasm: await onWasm(await readFile(join(folder, 'wasm.onnx')), await readFile(join(folder, weightsFile))),
		// Beyond `basic`, ONNX Runtime's CPU provider would quantize the activations of this graph, which WebGPU does not.
		webgpu: await onNode(join(folder, 'webgpu.onnx'), { optimize: 'basic' }),
	}
}

/**
 * Measures a variant.
 *
 * @param reference the fp32 model's vectors of `texts`
 */
export async function evaluate(
	sessions: Record<'cpu' | 'wasm' | 'webgpu', Session>,
	texts: readonly TokenIds[],
	reference: readonly Float32Array[],
): Promise<Evaluation> {
	const measured = async (session: Session) => {
		const vectors = await embedAlone(session, texts)
		const difference = await batchDifference(session, texts, vectors)
		return { vectors, accuracy: { ...likeness(vectors, reference), batchDifference: difference } }
	}
	const cpu = await measured(sessions.cpu)
	const wasm = await measured(sessions.wasm)
	const webgpu = await measured(sessions.webgpu)
	const cpuToWasm = Math.min(...cpu.vectors.map((vector, i) => dot(vector, wasm.vectors[i] as Float32Array)))
	return { cpu: cpu.accuracy, wasm: wasm.accuracy, webgpu: webgpu.accuracy, cpuToWasm }
}

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			model: { type: 'string' },
			variant: { type: 'string', default: 'models/minilm' },
			texts: { type: 'string' },
			speed: { type: 'boolean', default: false },
		},
	})
	if (!values.model) throw new Error('give the fp32 model: --model model.onnx')
	const tokenizer = createTokenizer(await readFile(join(values.variant, 'tokenizer.json')), maxTokens)
	const texts = (await readTexts(values.texts ?? evaluationTexts)).map((text) => tokenizer.encode(text))
	const sessions = await openVariant(values.variant)
	const reference = await readReference(values.model, texts)
	console.log(`${texts.length} texts`)
	console.log(JSON.stringify(await evaluate(sessions, texts, reference), null, 2))
	if (values.speed) await printSpeed(sessions)
}

/** The fp32 model as published gives token vectors: they are pooled by the graph that calibration uses. */
async function readReference(model: string, texts: readonly TokenIds[]): Promise<Float32Array[]> {
	const session = await onNode(floatModel(readCheckpoint(await readFile(model))))
	return embedAlone(session, texts)
}

async function printSpeed({ cpu, wasm }: Record<'cpu' | 'wasm', Session>): Promise<void> {
	for (const batch of [1, 8, 32]) {
		const options = { tokens: 20, batch, milliseconds: 1000 }
		console.log(`batch ${batch}: cpu ${(await speed(cpu, options)).toFixed(0)}, wasm ${(await speed(wasm, options)).toFixed(0)} texts/s`)
	}
}

if (import.meta.main) await main()
