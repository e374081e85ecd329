// The build: each step runs when its inputs are not those it last ran with, or when its output is gone.

import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { node, root, run } from './command.mjs'
import { compressAhead, compressFolders } from './compress.mjs'
import { say } from './report.mjs'
import { signingKeyFile } from './state.mjs'

const bin = (name) => join(root, 'node_modules', '.bin', name)
const cli = join(root, 'dist', 'edge', 'cli', 'main.js')

const pages = ['package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts', 'runtime', 'models/format', 'demo']

const steps = [
	{
		name: 'library',
		inputs: [
			'package.json',
			'package-lock.json',
			'tsconfig.json',
			'demo/setup/tsconfig.library.json',
			'runtime',
			'edge',
			'models/format',
			'models/tools',
		],
		output: cli,
		async make() {
			for (const folder of ['edge', 'models/format', 'models/tools', ...runtimeFolders()])
				rmSync(join(root, 'dist', folder), { recursive: true, force: true })
			await run([bin('tsc'), '-p', 'demo/setup/tsconfig.library.json'])
			chmodSync(cli, 0o755)
		},
	},
	{
		name: 'pages',
		inputs: pages,
		output: join(root, 'dist', 'demo', 'index.html'),
		make: () => run([node, bin('vite'), 'build', '--logLevel', 'warn']),
	},
	{
		name: 'docs',
		inputs: ['package-lock.json'],
		output: join(root, 'dist', 'docs', 'swagger-ui-bundle.js'),
		make() {
			mkdirSync(join(root, 'dist', 'docs'), { recursive: true })
			for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js'])
				copyFileSync(join(root, 'node_modules', 'swagger-ui-dist', file), join(root, 'dist', 'docs', file))
		},
	},
	{
		name: 'models',
		inputs: ['models', 'runtime/core', 'runtime/tasks', 'runtime/session', 'edge/cli'],
		output: join(root, 'dist', 'packed', 'minilm', 'channel.jws'),
		// Its channel expires after 90 days.
		days: 30,
		async make() {
			const key = signingKeyFile()
			if (!existsSync(key)) await run([node, cli, 'keygen', key])
			await run([node, cli, 'pack', 'models/minilm', '--out', 'dist/packed', '--key', key])
			// wrangler wants the folder to be there before it runs the command that fills it.
			mkdirSync(join(root, 'dist', 'worker'), { recursive: true })
		},
	},
	{
		name: 'compressed',
		inputs: pages,
		output: join(root, 'dist', 'demo', 'index.html.br'),
		ahead: compressAhead,
		make: () => compressFolders(['script', 'demo', 'docs']),
	},
]

/** Builds what is stale, in order. Takes a fraction of a second when nothing is. */
export async function build() {
	// What takes long and needs nothing of the steps before it goes on beside them.
	const ahead = new Map(steps.filter((step) => step.ahead && isStale(step, digestOf(step.inputs))).map((step) => [step, step.ahead()]))
	for (const early of ahead.values()) early.catch(() => {})
	for (const step of steps) {
		const digest = digestOf(step.inputs)
		if (!isStale(step, digest)) continue
		say(`Building ${step.name} …`)
		rmSync(stampOf(step), { force: true })
		await ahead.get(step)
		await step.make()
		mkdirSync(join(root, 'dist', '.stamps'), { recursive: true })
		writeFileSync(stampOf(step), digest)
	}
}

const stampOf = ({ name }) => join(root, 'dist', '.stamps', name)

function isStale(step, digest) {
	const stamp = stampOf(step)
	return !existsSync(step.output) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest || isOlder(stamp, step.days)
}

const isOlder = (file, days = Number.POSITIVE_INFINITY) => Date.now() - statSync(file).mtimeMs > days * 24 * 60 * 60_000

/** dist/runtime's folders are the library's; the files beside them are the pages'. */
function runtimeFolders() {
	const folder = join(root, 'dist', 'runtime')
	if (!existsSync(folder)) return []
	return readdirSync(folder)
		.filter((name) => statSync(join(folder, name)).isDirectory())
		.map((name) => `runtime/${name}`)
}

/** One digest over the names and contents of all files under `paths`. */
function digestOf(paths) {
	const hash = createHash('sha256')
	for (const path of paths.flatMap(filesUnder))
		hash.update(`${path}\0`).update(
			createHash('sha256')
				.update(readFileSync(join(root, path)))
				.digest(),
		)
	return hash.digest('hex')
}

function filesUnder(path) {
	if (!existsSync(join(root, path))) return []
	if (statSync(join(root, path)).isFile()) return [path]
	return readdirSync(join(root, path))
		.sort()
		.flatMap((name) => filesUnder(`${path}/${name}`))
}
