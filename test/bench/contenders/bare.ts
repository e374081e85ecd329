// Bare ONNX Runtime Web in a worker, one thread, one text a run, in order of arrival: what people write by hand.

import type { Contender } from './contender.ts'

const worker = new Worker('/bench/bare-worker.js', { type: 'module' })
const waiting = new Map<number, (vectors: Float32Array[]) => void>()
worker.onmessage = ({ data }: MessageEvent<{ id: number; vectors: Float32Array[] }>) => {
	waiting.get(data.id)?.(data.vectors)
	waiting.delete(data.id)
}
worker.onerror = (event) => console.error(`bare worker: ${event.message}`)
let last = 0
const embed = (texts: string[]): Promise<Float32Array[]> =>
	new Promise((resolve) => {
		last += 1
		waiting.set(last, resolve)
		worker.postMessage({ id: last, texts })
	})

window.contender = {
	first: async (text) => (await embed([text]))[0] as Float32Array,
	each: async (texts) => (await Promise.all(texts.map((text) => embed([text])))).map((vectors) => vectors[0] as Float32Array),
	all: embed,
	dispose: async () => worker.terminate(),
} satisfies Contender
