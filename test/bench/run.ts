// npm run bench: Spillway beside bare ONNX Runtime Web and @huggingface/transformers, interleaved in one browser session.

import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { readKeyFile } from '../../models/tools/pack/key-file.ts'
import { flags } from '../browser/flags.ts'
import { findChromium } from '../setup/chromium.mjs'
import { prepare, root } from './build.ts'
import { concurrent, freshContext, oneCall, timeToFirst } from './page-run.ts'
import { report, type Sample } from './report.ts'
import { serveStatic } from './server.ts'

const { values } = parseArgs({
	options: {
		stock: { type: 'string' },
		passes: { type: 'string', default: '10' },
		json: { type: 'string' },
	},
})

const contenders = ['spillway', 'bare', 'transformers'] as const

if (!values.stock || !(await stat(values.stock).catch(() => null))?.isFile()) {
	console.error(
		'usage: npm run bench -- --stock <model_quantized.onnx> [--passes 10] [--json <file>]\n' +
			'--stock is the int8 file of all-MiniLM-L6-v2 that exporters make (onnxruntime quantize_dynamic): the peers run it.',
	)
	process.exit(2)
}

const reference = JSON.parse(await readFile(join(root, 'test/fixtures/minilm-reference.json'), 'utf8')) as { items: { text: string }[] }
// 200 different texts of the lengths that people write.
const texts = [...reference.items.map(({ text }) => text), ...reference.items.map(({ text }) => `Again: ${text}`)]

const { x: trust } = await readKeyFile(join(root, '.spillway/signing-key.json'))
const server = await serveStatic(await prepare(values.stock, [trust]))
const browser = await chromium.launch({
	executablePath: await findChromium(),
	// Without the second, each reading of memory waits for the browser's own garbage collection, 10 to 20 s.
	args: [...flags, '--enable-blink-features=ForceEagerMeasureMemory'],
})
const samples: Sample[] = []
try {
	// The browser's own start is no contender's.
	const context = await freshContext(browser)
	await timeToFirst(context, `${server.origin}/bare.html`, texts[0] as string)
	await context.close()
	for (let pass = 0; pass < Number(values.passes); pass++) {
		// Whoever comes first meets the coldest caches: each in its turn.
		for (const contender of [...contenders.slice(pass % contenders.length), ...contenders.slice(0, pass % contenders.length)]) {
			const address = `${server.origin}/${contender}.html`
			const context = await freshContext(browser)
			server.take()
			const cold = await timeToFirst(context, address, texts[0] as string)
			const bytes = server.take()
			const warm = await timeToFirst(context, address, texts[0] as string)
			const { each, memory } = await concurrent(context, address, texts)
			const all = await oneCall(context, address, texts)
			await context.close()
			samples.push({
				contender,
				pass,
				cold,
				warm,
				bytes,
				each,
				all,
				loaded: memory.loaded - memory.before,
				disposed: memory.disposed - memory.before,
			})
			console.error(
				`pass ${pass + 1} ${contender}: cold ${cold.toFixed(0)} ms, warm ${warm.toFixed(0)} ms, ${each.toFixed(1)} and ${all.toFixed(1)} sentences/s`,
			)
		}
	}
} finally {
	await browser.close()
	await server.close()
}
await report(samples, contenders, browser.version(), values.json)
