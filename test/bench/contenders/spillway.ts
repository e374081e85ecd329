// Spillway as a page uses it: the built module, the shipped model from a static host, on the device.

import type * as SpillwayModule from '../../../runtime/index.ts'
import type { Contender } from './contender.ts'

const address = '/spillway/spillway.js'
const { createRuntime } = (await import(/* @vite-ignore */ address)) as typeof SpillwayModule
const { trust } = (await (await fetch('/trust.json')).json()) as { trust: string[] }
const runtime = createRuntime({ models: `${location.origin}/models/`, trust, policy: 'device-only' })
const model = runtime.model('minilm')
const options = { deadline: 600_000 }

window.contender = {
	first: async (text) => (await model.embed([text], options)).vectors[0] as Float32Array,
	each: async (texts) => Promise.all(texts.map(async (text) => (await model.embed([text], options)).vectors[0] as Float32Array)),
	all: async (texts) => [...(await model.embed(texts, options)).vectors],
	dispose: () => runtime.dispose(),
} satisfies Contender
