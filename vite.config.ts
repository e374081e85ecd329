// Builds everything that runs in browsers: `vite build` makes dist/runtime, dist/script and dist/demo, in this order.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as buildPage, defineConfig, type EnvironmentOptions, type Plugin } from 'vite'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as { version: string }

/** Files of one build work with one another only, and stand together under an address of their own: the version, and a digest of all sources. */
const build = `${version}-${digestOf(['package-lock.json', 'vite.config.ts', ...filesIn('runtime'), ...filesIn('models/format')])}`

function filesIn(folder: string): string[] {
	const entries = readdirSync(at(folder), { recursive: true, withFileTypes: true })
	const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => relative(at('.'), join(parentPath, name)))
	return files.sort()
}

function digestOf(files: readonly string[]): string {
	const hash = createHash('sha256')
	for (const file of files)
		hash.update(`${file}\0`).update(
			createHash('sha256')
				.update(readFileSync(at(file)))
				.digest(),
		)
	return hash.digest('hex').slice(0, 10)
}

/** ONNX Runtime's wasm, for processors and for GPUs, kept out of all scripts. */
const wasm = ['ort-wasm-simd-threaded.wasm', 'ort-wasm-simd-threaded.jspi.wasm', 'ort-wasm-simd-threaded.asyncify.wasm']

/** Files that have other people's code built in. */
const licensed = ['engine.js', 'session.js', 'telemetry.js', 'gpu-jspi.js', 'gpu-asyncify.js']

/** One self-contained file of one entry. */
const file = (entry: string, outDir: string, name: string, format: 'es' | 'iife' = 'es'): EnvironmentOptions => ({
	// Whatever the tests or Node say: this is for browsers.
	consumer: 'client',
	define: { __SPILLWAY_VERSION__: JSON.stringify(version), __SPILLWAY_BUILD__: JSON.stringify(build) },
	resolve: { conditions: ['module', 'browser', 'import'] },
	build: {
		outDir: at(outDir),
		emptyOutDir: false,
		copyPublicDir: false,
		target: 'es2022',
		minify: true,
		sourcemap: 'hidden',
		// What is built in is under its own licence, which asks to be handed on.
		license: licensed.includes(name) && { fileName: `${name}.licenses.md` },
		rolldownOptions: {
			input: at(entry),
			preserveEntrySignatures: 'exports-only',
			output: {
				format,
				entryFileNames: name,
				name: 'spillway',
				// An edge reads it there, too.
				postBanner: `/*! spillway ${build} */`,
				codeSplitting: false,
				generatedCode: { symbols: false },
			},
		},
	},
})

/** What the entry loads when it is needed: files beside it, each before those that have its digest built in. */
const later = {
	'edge.js': 'runtime/remote/page.ts',
	'telemetry.js': 'runtime/telemetry/page.ts',
	'session.js': 'runtime/device/session-worker.ts',
	'gpu-jspi.js': 'runtime/device/session-jspi.ts',
	'gpu-asyncify.js': 'runtime/device/session-asyncify.ts',
	'engine.js': 'runtime/device/engine.ts',
	'start.js': 'runtime/page/engine.ts',
	'tabs.js': 'runtime/tabs/tabs.ts',
}

/** Environments, by their names, in the order in which they are built. */
const environments = {
	...Object.fromEntries(Object.entries(later).map(([name, entry]) => [name.replaceAll(/\W/g, '_'), file(entry, 'dist/runtime', name)])),
	client: file('runtime/index.ts', 'dist/runtime', 'spillway.js'),
	webgpu: file('runtime/page/webgpu.ts', 'dist/runtime', 'webgpu.js'),
	remote: file('runtime/page/remote.ts', 'dist/runtime', 'remote.js'),
	serviceWorker: file('runtime/page/service-worker.ts', 'dist/runtime', 'service-worker.js'),
	script: file('runtime/page/script.ts', 'dist/script', 'spillway.js', 'iife'),
}

/** Puts digests of built files in the place of their names: in hexadecimal, or as subresource integrity. */
const putDigests: Plugin = {
	name: 'spillway-digests',
	enforce: 'pre',
	transform: {
		filter: { code: /'(sha256|integrity):/ },
		handler: (code) => ({
			code: code.replaceAll(/'(sha256|integrity):([\w.-]+)'/g, (_, form, name) => {
				const hash = createHash('sha256').update(readFileSync(at(`dist/runtime/${name}`)))
				return form === 'sha256' ? `'${hash.digest('hex')}'` : `'sha256-${hash.digest('base64')}'`
			}),
			map: null,
		}),
	},
}

/**
 * Puts ONNX Runtime's wasm beside the module, and all that the script tag needs beside the script. Before those are written: an edge that goes on serving
 * hands nothing of the build before out under the new script's address, where it would be kept for ever.
 */
const copyFiles: Plugin = {
	name: 'spillway-files',
	applyToEnvironment: ({ name }) => name === 'session_js' || name === 'script',
	async generateBundle() {
		const { name } = this.environment
		const beside = [...Object.keys(later), ...licensed.map((name) => `${name}.licenses.md`), ...wasm]
		const [from, to, files] =
			name === 'session_js' ? ['node_modules/onnxruntime-web/dist', 'dist/runtime', wasm] : ['dist/runtime', 'dist/script', beside]
		await mkdir(at(to), { recursive: true })
		for (const file of files) await copyFile(at(`${from}/${file}`), at(`${to}/${file}`))
	},
}

/** Leaves `new URL('./file', import.meta.url)` alone: the runtime's for the application's bundler, ONNX Runtime's because it is never used. */
const keepAddresses: Plugin = {
	name: 'spillway-addresses',
	enforce: 'pre',
	transform: {
		filter: { code: /new URL\([^)]*import\.meta\.url\)/ },
		handler: (code) => ({ code: code.replaceAll(/new URL\((?=[^)]*import\.meta\.url\))/g, 'new URL(/* @vite-ignore */ '), map: null }),
	},
}

/**
 * Leaves `import(address)` alone, too: Vite would wrap it into preloading, and minifying would take the words away that keep the application's
 * bundler off it.
 */
const keepImports: Plugin = {
	name: 'spillway-imports',
	enforce: 'pre',
	applyToEnvironment: ({ name }) => ['client', 'webgpu', 'serviceWorker', 'script'].includes(name),
	transform: {
		filter: { code: /import\(\/\*/ },
		handler: (code) => ({ code: code.replaceAll(/import\((?=\/\*)/g, 'importLater('), map: null }),
	},
	generateBundle(_, bundle) {
		for (const file of Object.values(bundle))
			if (file.type === 'chunk') file.code = file.code.replaceAll('importLater(', 'import(/* @vite-ignore *//* webpackIgnore: true */')
	},
}

async function removeCompressed(folder: string): Promise<void> {
	const names = await readdir(at(folder)).catch(() => [])
	await Promise.all(names.filter((name) => name.endsWith('.br')).map((name) => rm(at(`${folder}/${name}`))))
}

export default defineConfig({
	root: at('.'),
	publicDir: false,
	plugins: [putDigests, keepAddresses, keepImports, copyFiles],
	environments,
	builder: {
		async buildApp(builder) {
			// An edge would send them in place of what is built now.
			await removeCompressed('dist/script')
			for (const name of Object.keys(environments)) {
				const environment = builder.environments[name]
				if (environment) await builder.build(environment)
			}
			await buildPage({ configFile: at('demo/vite.config.ts') })
		},
	},
})
