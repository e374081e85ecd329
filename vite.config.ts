// Builds everything that runs in browsers: `vite build` makes dist/runtime, dist/script and dist/demo, in this order.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build, defineConfig, type EnvironmentOptions, type Plugin } from 'vite'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** ONNX Runtime's wasm, kept out of all scripts. */
const wasm = 'ort-wasm-simd-threaded.wasm'

/** One self-contained file of one entry. */
const file = (entry: string, outDir: string, name: string, format: 'es' | 'iife' = 'es'): EnvironmentOptions => ({
	// Whatever the tests or Node say: this is for browsers.
	consumer: 'client',
	resolve: { conditions: ['module', 'browser', 'import'] },
	build: {
		outDir: at(outDir),
		emptyOutDir: false,
		copyPublicDir: false,
		target: 'es2022',
		minify: true,
		sourcemap: 'hidden',
		rolldownOptions: {
			input: at(entry),
			preserveEntrySignatures: 'exports-only',
			output: { format, entryFileNames: name, name: 'spillway', codeSplitting: false, generatedCode: { symbols: false } },
		},
	},
})

/** Puts ONNX Runtime's wasm beside the scripts; they get its address from the page. */
const copyWasm: Plugin = {
	name: 'spillway-wasm',
	applyToEnvironment: ({ name }) => name === 'session',
	generateBundle() {
		this.emitFile({ type: 'asset', fileName: wasm, source: readFileSync(at(`node_modules/onnxruntime-web/dist/${wasm}`)) })
	},
}

/** Leaves `new URL('./file', import.meta.url)` alone: the runtime's for the application's bundler, ONNX Runtime's because it is never used. */
const keepAddresses: Plugin = {
	name: 'spillway-addresses',
	enforce: 'pre',
	transform: {
		filter: { code: /new URL\([^)]*import\.meta\.url\)/ },
		handler: (code) => code.replaceAll(/new URL\((?=[^)]*import\.meta\.url\))/g, 'new URL(/* @vite-ignore */ '),
	},
}

export default defineConfig({
	root: at('.'),
	publicDir: false,
	plugins: [keepAddresses, copyWasm],
	environments: {
		client: file('runtime/index.ts', 'dist/runtime', 'spillway.js'),
		script: file('runtime/page/script.ts', 'dist/script', 'spillway.js', 'iife'),
	},
	builder: {
		async buildApp(builder) {
			for (const name of ['client', 'script']) {
				const environment = builder.environments[name]
				if (environment) await builder.build(environment)
			}
			await build({ configFile: at('demo/vite.config.ts') })
		},
	},
})
