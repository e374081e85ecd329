// npm run bench:edge: Spillway's edge beside what people put in its place, interleaved, each before the same upstream.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { models } from './parts/models.ts'
import { overload } from './parts/overload.ts'
import type { Part } from './parts/part.ts'
import { proxies } from './parts/proxies.ts'
import { split } from './parts/split.ts'
import { workers } from './parts/workers.ts'

const parts: Record<string, [title: string, Part]> = {
	chat: ['Chat completions through gateways', proxies('chat')],
	tensors: ['Tensors through gateways', proxies('tensors')],
	workers: ['On workerd', workers],
	models: ['The cost of many models', models],
	split: ['One large batch over two upstreams', split],
	overload: ['Twice the capacity', overload],
}

const { values } = parseArgs({
	options: {
		passes: { type: 'string', default: '5' },
		seconds: { type: 'string', default: '5' },
		only: { type: 'string', multiple: true, default: Object.keys(parts) },
		json: { type: 'string' },
	},
})
const { only } = values
const [passes, seconds] = [Number(values.passes), Number(values.seconds)]
const unknown = only.filter((name) => !parts[name])
if (unknown.length > 0 || !(passes >= 1) || !(seconds > 0)) {
	console.error(
		'usage: npm run bench:edge -- [--passes 5] [--seconds 5] [--only <part>]… [--json <file>]\n' +
			`--seconds: of each measurement. parts: ${Object.keys(parts).join(', ')}`,
	)
	process.exit(2)
}

const here = dirname(fileURLToPath(import.meta.url))
const work = join(here, '../../../.spillway/bench-edge')
await mkdir(work, { recursive: true })
// As they are in the lock file; what is there already is not installed again.
const [wanted, there] = await Promise.all(
	[join(here, 'peers'), work].map((of) => readFile(join(of, 'package-lock.json'), 'utf8').catch(() => '')),
)
if (wanted !== there || !existsSync(join(work, 'node_modules/.package-lock.json'))) {
	for (const name of ['package.json', 'package-lock.json']) await copyFile(join(here, 'peers', name), join(work, name))
	execFileSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] })
}

console.log(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, ${passes} interleaved passes of ${seconds} s.`)
const samples: Record<string, unknown> = {}
for (const name of only) {
	const [title, part] = parts[name] as [string, Part]
	const { text, samples: found } = await part({ work, passes, seconds, say: (line) => console.error(`${name}: ${line}`) })
	samples[name] = found
	console.log(`\n## ${title}\n\n${text}`)
	if (values.json) await writeFile(values.json, JSON.stringify({ node: process.version, samples }, null, '\t'))
}
