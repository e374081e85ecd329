// onnxruntime-node on the stock int8 file, one thread: what the same processor does without a browser.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { createTokenizer } from '../../runtime/tasks/tokenizer.ts'
import { root } from './build.ts'

/** Embeds one text; the tokens' vectors are not pooled. */
export type NodeModel = (text: string) => Promise<void>

/** @param stock path of the int8 file. */
export async function nodeModel(stock: string): Promise<NodeModel> {
	const tokenizer = createTokenizer(await readFile(join(root, 'models/minilm/tokenizer.json')), 256)
	const session = await InferenceSession.create(stock, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 })
	const embed: NodeModel = async (text) => {
		const ids = BigInt64Array.from(tokenizer.encode(text), BigInt)
		const int64 = (data: BigInt64Array) => new Tensor('int64', data, [1, ids.length])
		const inputs: Record<string, () => Tensor> = {
			input_ids: () => int64(ids),
			attention_mask: () => int64(ids.map(() => 1n)),
			token_type_ids: () => int64(new BigInt64Array(ids.length)),
		}
		await session.run(Object.fromEntries(session.inputNames.map((name) => [name, inputs[name]?.() as Tensor])))
	}
	await embed('warm')
	return embed
}
