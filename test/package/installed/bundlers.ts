// Bundlers as their own documentation sets them up, and no more: what docs/runtime.md says of each is all that is added.

import { copyFile, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { importMetaAssets } from '@web/rollup-plugin-import-meta-assets'
import { build as esbuild } from 'esbuild'
import { rollup } from 'rollup'
import { build as vite } from 'vite'
import webpack from 'webpack'

/** Bundles the page in the folder `page` into the folder `output`, to be served as it is. */
export type Bundle = (page: string, output: string) => Promise<void>

const keepHtml = (page: string, output: string) => copyFile(join(page, 'index.html'), join(output, 'index.html'))

export const withVite: Bundle = async (page, output) => {
	await vite({ configFile: false, root: page, logLevel: 'error', build: { outDir: output } })
}

export const withWebpack: Bundle = async (page, output) => {
	await new Promise<void>((resolve, reject) => {
		webpack(
			{ mode: 'production', context: page, entry: './main.js', output: { path: output, filename: 'main.js' }, performance: false },
			(error, stats) => (error || stats?.hasErrors() ? reject(error ?? new Error(stats?.toString())) : resolve()),
		)
	})
	await keepHtml(page, output)
}

/** Rollup alone leaves `new URL('./file', import.meta.url)` as it is. */
export const withRollup: Bundle = async (page, output) => {
	const bundle = await rollup({ input: join(page, 'main.js'), plugins: [nodeResolve({ browser: true }), importMetaAssets()] })
	await bundle.write({ dir: output, format: 'es' })
	await bundle.close()
	await keepHtml(page, output)
}

/** esbuild knows nothing of files beside a module: they are copied, and the option `assets` says where to. */
export const withEsbuild: Bundle = async (page, output) => {
	await esbuild({ entryPoints: [join(page, 'main.js')], outdir: output, bundle: true, minify: true, logLevel: 'error' })
	await cp(join(page, '../node_modules/spillway/dist/script'), join(output, 'spillway'), { recursive: true })
	await keepHtml(page, output)
}
