// Spillway as a page uses it: the built module, the shipped model from a static host, on the device. The address may fix its options.

import type * as SpillwayModule from '../../../runtime/index.ts'
import { offer } from './contender.ts'

const address = '/spillway/spillway.js'
const { createRuntime } = (await import(/* @vite-ignore */ address)) as typeof SpillwayModule
const { trust } = (await (await fetch('/trust.json')).json()) as { trust: string[] }
/** `?{"maxBatch":1}` */
const fixed = JSON.parse(decodeURIComponent(location.search.slice(1)) || '{}') as Partial<SpillwayModule.RuntimeOptions>
const runtime = createRuntime({ models: `${location.origin}/models/`, trust, policy: 'device-only', ...fixed })
const model = runtime.model('minilm')
const options = { deadline: 600_000 }

offer({
	one: async (text) => (await model.embed([text], options)).vectors[0] as Float32Array,
	all: async (texts) => [...(await model.embed(texts, options)).vectors],
	async standing() {
		const serving = (await model.explain()).device?.report?.serving
		if (!serving) return { measured: false, grown: false, what: 'not loaded' }
		const { provider, threads, workers, most, why, settled } = serving
		const what = `${provider}, ${workers} of at most ${most} workers with ${threads} threads each: ${why}`
		return { measured: settled, grown: workers === most, what }
	},
	dispose: () => runtime.dispose(),
	cosine: 0.985,
})

window.model = model
declare global {
	interface Window {
		model: SpillwayModule.Model
	}
}
