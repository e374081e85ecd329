// Which graph runs where. Without the manifest's schema: session workers have no need of that, and it is larger than all they are.

import type { Graph, Manifest, Provider } from './manifest.ts'

/** A variant's graph for a provider: WebNN runs what WebGPU does, unless the model has another for it. */
export function graphFor({ variants }: Pick<Manifest, 'variants'>, variant: string, provider: Provider): Graph | undefined {
	const graphs = variants[variant]?.graphs
	return graphs?.[provider] ?? (provider === 'webnn' ? graphs?.webgpu : undefined)
}
