// Spillway by the script tag of an edge, on the device. The address says the text.

import type * as SpillwayModule from '../../../runtime/index.ts'

declare const spillway: typeof SpillwayModule & { createRuntime(options: Partial<SpillwayModule.RuntimeOptions>): SpillwayModule.Runtime }

/** Milliseconds since the page's start, and the vector. */
export interface First {
	time: number
	vector: number[]
}

async function first(): Promise<First> {
	const model = spillway.createRuntime({ policy: 'device-only' }).model('minilm')
	const { vectors } = await model.embed([decodeURIComponent(location.hash.slice(1))], { deadline: 600_000 })
	const time = performance.now()
	return { time, vector: [...(vectors[0] as Float32Array)] }
}

declare global {
	interface Window {
		first: Promise<First>
	}
}
window.first = first()
