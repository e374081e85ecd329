// Spillway with a model that hands back what it is given.

import type * as SpillwayModule from '../../../runtime/index.ts'

const address = '/spillway/spillway.js'
const { createRuntime, tensor } = (await import(/* @vite-ignore */ address)) as typeof SpillwayModule
const { trust } = (await (await fetch('/trust.json')).json()) as { trust: string[] }
const runtime = createRuntime({ models: `${location.origin}/identity/`, trust, policy: 'device-only' })
const model = await runtime.load('identity')

/** Milliseconds of each call, and of ONNX Runtime's run in it. */
async function identity(calls: number, warmUp: number): Promise<{ call: number; run: number }[]> {
	const samples: { call: number; run: number }[] = []
	for (let call = 0; call < warmUp + calls; call++) {
		const x = Float32Array.from({ length: 384 }, (_, i) => call + i)
		const start = performance.now()
		const { tensors, ran } = await model.infer({ x: tensor('FP32', [1, 384], x) })
		const time = performance.now() - start
		const y = tensors.y?.data as Float32Array
		if (y?.length !== 384 || y[0] !== call || y[383] !== call + 383) throw new Error('the model did not hand back what it was given')
		if (call >= warmUp) samples.push({ call: time, run: ran.run ?? 0 })
	}
	return samples
}

declare global {
	interface Window {
		identity: typeof identity
	}
}
window.identity = identity
