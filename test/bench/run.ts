// npm run bench: Spillway beside what people use in its place, interleaved in one browser session.

import { readFile, stat, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { readKeyFile } from '../../models/tools/pack/key-file.ts'
import { flags } from '../browser/flags.ts'
import { findChromium } from '../setup/chromium.mjs'
import { prepare, root } from './build.ts'
import type { Part } from './part.ts'
import { array } from './parts/array.ts'
import { cold } from './parts/cold.ts'
import { concurrent } from './parts/concurrent.ts'
import { gpu } from './parts/gpu.ts'
import { lateness } from './parts/lateness.ts'
import { lone } from './parts/lone.ts'
import { overhead } from './parts/overhead.ts'
import { visits } from './parts/visits.ts'
import { warm } from './parts/warm.ts'
import { serveStatic } from './server.ts'

const parts: Record<string, [title: string, Part]> = {
	cold: ['The first visit over a slow network', cold],
	warm: ['The second visit', warm],
	visits: ['Visits of a page', visits],
	concurrent: ['200 concurrent calls of mixed lengths', concurrent],
	array: ['One call with 200 texts of mixed lengths', array],
	lone: ['A call on its own', lone],
	overhead: ['A call beside the model', overhead],
	lateness: ['Lateness', lateness],
	gpu: ['WebGPU', gpu],
}

const { values } = parseArgs({
	options: {
		stock: { type: 'string' },
		passes: { type: 'string', default: '10' },
		only: { type: 'string', multiple: true, default: Object.keys(parts) },
		json: { type: 'string' },
	},
})
const { stock, only } = values
const passes = Number(values.passes)

const unknown = only.filter((name) => !parts[name])
if (!stock || !(await stat(stock).catch(() => null))?.isFile() || unknown.length > 0 || !(passes >= 1)) {
	console.error(
		'usage: npm run bench -- --stock <model_quantized.onnx> [--passes 10] [--only <part>]… [--json <file>]\n' +
			'--stock is the int8 file of all-MiniLM-L6-v2 that exporters make (onnxruntime quantize_dynamic): the peers run it.\n' +
			`parts: ${Object.keys(parts).join(', ')}`,
	)
	process.exit(2)
}

const reference = JSON.parse(await readFile(join(root, 'test/fixtures/minilm-reference.json'), 'utf8')) as {
	items: { text: string; vector: number[] }[]
}
const texts = [...reference.items.map(({ text }) => text), ...reference.items.map(({ text }) => `Again: ${text}`)]
const vectors = new Map(reference.items.map(({ text, vector }) => [text, vector]))

const key = await readKeyFile(join(root, '.spillway/signing-key.json'))
const server = await serveStatic(await prepare(stock, key))
const browser = await chromium.launch({
	executablePath: await findChromium(),
	// Without the second, each reading of memory waits for the browser's own garbage collection, 10 to 20 s.
	args: [...flags, '--enable-blink-features=ForceEagerMeasureMemory'],
})
const samples: Record<string, unknown> = {}
try {
	console.log(`Chromium ${browser.version()}, ${cpus().length} x ${cpus()[0]?.model}, ${passes} interleaved passes.`)
	for (const name of only) {
		const [title, part] = parts[name] as [string, Part]
		const say = (line: string) => console.error(`${name}: ${line}`)
		const { text, samples: found } = await part({ browser, server, passes, texts, reference: vectors, stock, say })
		samples[name] = found
		console.log(`\n## ${title}\n\n${text}`)
		if (values.json) await writeFile(values.json, JSON.stringify({ browser: browser.version(), samples }, null, '\t'))
	}
} finally {
	await browser.close()
	await server.close()
}
