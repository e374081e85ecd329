// Builds everything that runs in browsers: `vite build` makes dist/runtime, dist/script and dist/demo, in this order.

import { readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, defineConfig, type EnvironmentOptions, type Plugin } from 'vite'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as { version: string }

/** ONNX Runtime's wasm, for processors and for GPUs, kept out of all scripts. */
const wasm = ['ort-wasm-simd-threaded.wasm', 'ort-wasm-simd-threaded.jspi.wasm', 'ort-wasm-simd-threaded.asyncify.wasm']

/** Files that have other people's code built in. */
const licensed = ['engine.js', 'session.js', 'telemetry.js', 'gpu-jspi.js', 'gpu-asyncify.js']

/** One self-contained file of one entry. */
const file = (entry: string, outDir: string, name: string, format: 'es' | 'iife' = 'es'): EnvironmentOptions => ({
	// Whatever the tests or Node say: this is for browsers.
	consumer: 'client',
	define: { __SPILLWAY_VERSION__: JSON.stringify(version) },
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
				postBanner: `/*! spillway ${version} */`,
				codeSplitting: false,
				generatedCode: { symbols: false },
			},
		},
	},
})

/** What the entry loads when it is needed, by environment: files beside it. */
const later = {
	edge: file('runtime/remote/page.ts', 'dist/runtime', 'edge.js'),
	engine: file('runtime/device/engine.ts', 'dist/runtime', 'engine.js'),
	session: file('runtime/device/session-worker.ts', 'dist/runtime', 'session.js'),
	tabs: file('runtime/tabs/tabs.ts', 'dist/runtime', 'tabs.js'),
	telemetry: file('runtime/telemetry/page.ts', 'dist/runtime', 'telemetry.js'),
	'gpu-jspi': file('runtime/device/session-jspi.ts', 'dist/runtime', 'gpu-jspi.js'),
	'gpu-asyncify': file('runtime/device/session-asyncify.ts', 'dist/runtime', 'gpu-asyncify.js'),
}

/** Puts ONNX Runtime's wasm beside the module, and all that the script tag needs beside the script. */
const copyFiles: Plugin = {
	name: 'spillway-files',
	applyToEnvironment: ({ name }) => name === 'session' || name === 'script',
	async writeBundle() {
		const { name } = this.environment
		const beside = [...Object.keys(later).map((name) => `${name}.js`), ...licensed.map((name) => `${name}.licenses.md`), ...wasm]
		const [from, to, files] =
			name === 'session' ? ['node_modules/onnxruntime-web/dist', 'dist/runtime', wasm] : ['dist/runtime', 'dist/script', beside]
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

export default defineConfig({
	root: at('.'),
	publicDir: false,
	plugins: [keepAddresses, keepImports, copyFiles],
	environments: {
		client: file('runtime/index.ts', 'dist/runtime', 'spillway.js'),
		webgpu: file('runtime/page/webgpu.ts', 'dist/runtime', 'webgpu.js'),
		serviceWorker: file('runtime/page/service-worker.ts', 'dist/runtime', 'service-worker.js'),
		...later,
		script: file('runtime/page/script.ts', 'dist/script', 'spillway.js', 'iife'),
	},
	builder: {
		async buildApp(builder) {
			for (const name of ['client', 'webgpu', 'serviceWorker', ...Object.keys(later), 'script']) {
				const environment = builder.environments[name]
				if (environment) await builder.build(environment)
			}
			await build({ configFile: at('demo/vite.config.ts') })
		},
	},
})
