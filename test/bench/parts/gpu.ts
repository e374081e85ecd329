// WebGPU, where there is a GPU: batching against one text a run, and against WebAssembly.

import { chromium } from 'playwright-core'
import { flags } from '../../browser/flags.ts'
import { findChromium } from '../../setup/chromium.mjs'
import { freshContext, grown, openPage, settled } from '../pages.ts'
import { type Part, rotated } from '../part.ts'
import { figure, pairedRatio, spread, table } from '../statistics.ts'

const assets = '/script/'
const ways = {
	wasm: {},
	'webgpu, one text a run': { providers: ['webgpu'], maxBatch: 1, assets },
	'webgpu, batching': { providers: ['webgpu'], assets },
}

export const gpu: Part = async ({ server, passes, texts, say }) => {
	const browser = await chromium.launch({
		executablePath: await findChromium(),
		args: [...flags, '--enable-unsafe-webgpu', '--enable-features=Vulkan'],
	})
	try {
		const context = await freshContext(browser)
		const blank = await openPage(context, `${server.origin}/blank.html`)
		const adapter = await blank.evaluate(describeAdapter)
		if (!adapter) return { text: 'Not measured: no GPU here.', samples: null }
		const pages = new Map<string, Awaited<ReturnType<typeof openPage>>>()
		for (const [name, options] of Object.entries(ways)) {
			const page = await openPage(context, `${server.origin}/spillway.html?${encodeURIComponent(JSON.stringify(options))}`)
			const found = await settled(page, texts)
			say(`${name}: ${found}`)
			if (name !== 'wasm' && !found.startsWith('webgpu')) return { text: `Not measured: ${adapter}, but ${found}.`, samples: null }
			pages.set(name, page)
		}
		const samples: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
		for (let pass = 0; pass < passes; pass++)
			for (const name of rotated(Object.keys(ways), pass)) {
				const page = pages.get(name) as Awaited<ReturnType<typeof openPage>>
				await grown(page, texts)
				samples[name]?.push((await page.evaluate((texts) => window.bench.burst(texts), texts)).rate)
			}
		const base = samples.wasm as number[]
		const alone = samples['webgpu, one text a run'] as number[]
		const rows = Object.entries(samples).map(([name, rates]) => [
			name,
			spread(rates),
			figure(pairedRatio(rates, base)),
			figure(pairedRatio(rates, alone)),
		])
		return { text: `${adapter}.\n\n${table(['', 'sentences/s', 'times wasm', 'times one text a run'], rows)}`, samples }
	} finally {
		await browser.close()
	}
}

/** In the page: the GPU's name; nothing where there is none, or one that the processor imitates. */
async function describeAdapter(): Promise<string | undefined> {
	const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })
	if (!adapter) return
	const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info
	const name = [vendor, architecture, device, description].filter(Boolean).join(' ')
	return isFallbackAdapter || /swiftshader|llvmpipe|software|basic render/i.test(name) ? undefined : name
}
