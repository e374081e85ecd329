// WebGPU where WebAssembly cannot wait for promises (no JSPI): ONNX Runtime's other build. On a software adapter.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesOf, pixelDescription } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { packModels } from './models.ts'
import { openPage, runtimeFolder, staticHost } from './page.ts'
import { chosen, gpuFlags, load } from './provider-page.ts'

/** As in a browser that has it not: no flag of Chromium's takes it away. */
const hide = 'delete WebAssembly.Suspending; delete WebAssembly.promising;'

test('the build that waits by itself is loaded, in the place of the other, and computes rightly', { timeout: 120_000 }, async () => {
	const models = await packModels()
	const description = pixelDescription()
	const { graphs, ...variant } = description.variants.fp32 as NonNullable<(typeof description.variants)[string]>
	const webgpu = { ...(graphs.wasm as NonNullable<typeof graphs.wasm>), tolerance: { absolute: 0.01 } }
	await models.add(
		{ ...description, model: 'brighter', variants: { fp32: { ...variant, graphs: { ...graphs, webgpu } } } },
		filesOf(description),
	)
	const site = await staticHost(models)
	const scripts = ['engine.js', 'gpu-asyncify.js']
	site.fault = (path, response) => {
		const script = scripts.find((name) => path.endsWith(`/${name}`))
		if (!script) return false
		readFile(join(runtimeFolder, script), 'utf8').then((text) =>
			response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(`${hide}\n${text}`),
		)
		return true
	}
	const page = await openPage(await getBrowser(gpuFlags), site, (page) => page.addInitScript(hide))
	await load(page, models, 'brighter', { providers: ['wasm', 'webgpu'], workers: 1, threads: 1 })
	const { trials } = await chosen(page, 'brighter')
	expect(trials.find(({ provider }) => provider === 'webgpu')).toMatchObject({ build: 'asyncify', golden: 'passed' })
	expect(site.asked.filter((path) => /gpu|jspi|asyncify/.test(path)).sort()).toEqual([
		'/spillway/gpu-asyncify.js',
		'/spillway/ort-wasm-simd-threaded.asyncify.wasm',
	])
	await page.context().close()
})
