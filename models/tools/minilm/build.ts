// Builds the quantized model and its description from the published fp32 model:
//
//   node models/tools/minilm/build.ts --model model.onnx --tokenizer tokenizer.json [--out models/minilm]

import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createTokenizer } from '../../../runtime/tasks/tokenizer.ts'
import { floatModel, quantizedModel, weightsFile } from './assemble.ts'
import { calibrate } from './calibrate.ts'
import { readCheckpoint } from './checkpoint.ts'
import { describe } from './describe.ts'
import { evaluate, maxTokens, openVariant } from './evaluate.ts'
import { goldenBatches, goldenOf } from './golden.ts'
import { embedAlone } from './measure.ts'
import { onNode } from './sessions.ts'
import { calibrationTexts, evaluationTexts, readTexts } from './texts.ts'

const notice = `minilm: all-MiniLM-L6-v2 by the sentence-transformers authors, Apache License 2.0, quantized to int8.
The weights were changed (smoothed and rounded to int8), the tokenizer was not.
https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
`

const { values } = parseArgs({
	options: { model: { type: 'string' }, tokenizer: { type: 'string' }, out: { type: 'string', default: 'models/minilm' } },
})
if (!values.model || !values.tokenizer) throw new Error('give --model model.onnx and --tokenizer tokenizer.json')
const out = values.out

const source = await readFile(values.model)
const tokenizerFile = await readFile(values.tokenizer)
const { encode } = createTokenizer(tokenizerFile, maxTokens)
const checkpoint = readCheckpoint(source)
const calibration = await readTexts(calibrationTexts)
const { wasm, webgpu, weights } = quantizedModel(checkpoint, await calibrate(checkpoint, calibration.map(encode)))

await mkdir(out, { recursive: true })
await writeFile(join(out, 'wasm.onnx'), wasm)
await writeFile(join(out, 'webgpu.onnx'), webgpu)
await writeFile(join(out, weightsFile), weights)
await writeFile(join(out, 'tokenizer.json'), tokenizerFile)
await writeFile(join(out, 'NOTICE'), notice)

const sessions = await openVariant(out)
const evaluation = (await readTexts(evaluationTexts)).map(encode)
const fp32 = await onNode(floatModel(checkpoint))
const accuracy = await evaluate(sessions, evaluation, await embedAlone(fp32, evaluation))
const golden = []
for (const sample of goldenBatches(encode, calibration.slice(-20))) golden.push(await goldenOf(sessions.cpu, sample))

const description = describe({
	source: sha256(source),
	dimensions: checkpoint.words.columns,
	vocabulary: checkpoint.words.rows,
	calibrationTexts: calibration.length,
	evaluationTexts: evaluation.length,
	accuracy,
	golden,
})
await writeFile(join(out, 'model.json'), `${JSON.stringify(description, null, 2)}\n`)

for (const [name, bytes] of Object.entries({ 'wasm.onnx': wasm, 'webgpu.onnx': webgpu, [weightsFile]: weights })) {
	console.log(`${sha256(bytes)}  ${name}  ${bytes.length} bytes`)
}
console.log(JSON.stringify(accuracy, null, 2))

function sha256(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex')
}
