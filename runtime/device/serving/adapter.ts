// The GPU as the browser tells it: what was measured on one says nothing about another.

export interface Adapter {
	readonly vendor: string
	readonly architecture: string
	readonly device: string
	readonly description: string
}

/** Milliseconds. A GPU process that is just being started, or has crashed, takes its time. */
const limit = 5_000

/** The adapter that ONNX Runtime would get; `null` where there is none. */
export async function findAdapter(): Promise<Adapter | null> {
	const { gpu } = navigator as { gpu?: GPU }
	if (!gpu) return null
	const adapter = await new Promise<GPUAdapter | null>((resolve) => {
		const timer = setTimeout(resolve, limit, null)
		gpu
			.requestAdapter()
			.catch(() => null)
			.finally(() => clearTimeout(timer))
			.then(resolve)
	})
	if (!adapter) return null
	const { vendor, architecture, device, description } = adapter.info
	return { vendor, architecture, device, description }
}
