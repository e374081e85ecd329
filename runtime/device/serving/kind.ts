// Kinds of session workers: which graph on which provider, with how many threads, and how many workers of them.

import { graphFor } from '../../../models/format/graph.ts'
import type { Graph, Manifest, Provider } from '../../../models/format/manifest.ts'
import { SpillwayError } from '../../core/error.ts'
import type { Tuning } from '../control.ts'
import { gpuBuild } from '../gpu-build.ts'
import type { Build } from '../wasm.ts'
import type { Adapter } from './adapter.ts'

export interface Kind {
	readonly variant: string
	readonly provider: Provider
	readonly graph: Graph
	/** The files that a session needs: graph and external data. */
	readonly files: readonly string[]
	/** Threads of each worker. */
	readonly threads: number
	/** Most workers. */
	readonly workers: number
	/** ONNX Runtime's build. */
	readonly build: Build
}

/** What decides which kinds there can be. */
export interface Device {
	/** Logical processors. */
	readonly cores: number
	/** Workers can have threads: the page is cross-origin isolated. */
	readonly threads: boolean
	/** Why ONNX Runtime's build for GPUs cannot run here; `null` where it can. */
	readonly noGpuBuild: string | null
	/** `null` where the page has no WebGPU, or it has no adapter. */
	readonly gpu: Adapter | null
	readonly webnn: boolean
}

/** So many workers are more than enough for any page, and each holds the weights. */
const mostWorkers = 8
/** Before anything was measured. */
const cautious = 4

/**
 * The kind that serves first: the first variant with a graph for WebAssembly, on one thread.
 *
 * @throws SpillwayError `unsupported` when there is none.
 */
export function firstKind(manifest: Manifest, tuning: Tuning, device: Pick<Device, 'cores' | 'threads'>): Kind {
	for (const variant of Object.keys(manifest.variants)) {
		const graph = graphFor(manifest, variant, 'wasm')
		if (!graph) continue
		const threads = device.threads ? (tuning.threads ?? 1) : 1
		return kind(variant, 'wasm', graph, 'wasm', threads, tuning.workers ?? Math.min(device.cores, cautious))
	}
	throw new SpillwayError('unsupported', `${manifest.model} ${manifest.version} has no graph for browsers`)
}

/** The kinds to be measured against the first one, those likely to win first. All are of its variant: vectors stay in one space. */
export function otherKinds(manifest: Manifest, tuning: Tuning, device: Device, first: Kind): Kind[] {
	const { variant, graph } = first
	const kinds: Kind[] = []
	const { cores } = device
	const wasm = (threads: number, workers: number) => {
		const [t, w] = [tuning.threads ?? threads, tuning.workers ?? workers]
		if (t > 1 && !device.threads) return
		if (t * w > 1) kinds.push(kind(variant, 'wasm', graph, 'wasm', t, w))
	}
	wasm(1, Math.min(cores, cautious))
	if (cores > cautious) wasm(1, Math.min(cores, mostWorkers))
	if (cores >= 4) wasm(1, 2)
	wasm(Math.min(cores, mostWorkers), 1)
	if (cores >= 4) wasm(2, Math.min(Math.floor(cores / 2), cautious))
	for (const provider of ['webgpu', 'webnn'] as const) {
		const other = graphFor(manifest, variant, provider)
		const here = provider === 'webgpu' ? device.gpu : device.webnn
		// All work of a GPU goes through one queue: a second worker would only hold the weights once more.
		if (other && here && device.noGpuBuild === null && tuning.providers?.includes(provider))
			kinds.push(kind(variant, provider, other, gpuBuild, 1, 1))
	}
	// What is fixed makes some alike.
	const seen = new Set([nameOf({ ...first, workers: 1 })])
	return kinds.filter((one) => !seen.has(nameOf(one)) && seen.add(nameOf(one)))
}

/** Why providers that were named are not tried at all. */
export function absentProviders(manifest: Manifest, { providers = [] }: Tuning, device: Device, first: Kind): Map<Provider, string> {
	const absent = new Map<Provider, string>()
	for (const provider of providers) {
		if (provider === 'wasm') continue
		if (!graphFor(manifest, first.variant, provider)) absent.set(provider, 'the model has no graph for it')
		else if (device.noGpuBuild !== null) absent.set(provider, device.noGpuBuild)
		else if (provider === 'webgpu' && !device.gpu) absent.set(provider, 'there is no WebGPU adapter here')
		else if (provider === 'webnn' && !device.webnn) absent.set(provider, 'this browser has no WebNN')
	}
	return absent
}

/** For people, and as a key: kinds of one variant with the same name are the same. */
export function nameOf({ provider, threads, workers }: Pick<Kind, 'provider' | 'threads' | 'workers'>): string {
	const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`
	return provider === 'wasm' ? `wasm, ${count(workers, 'worker')} of ${count(threads, 'thread')}` : provider
}

/** Whether workers of one can stand in a pool of the other. */
export const sameWorkers = (a: Kind, b: Kind): boolean => a.provider === b.provider && a.threads === b.threads

const kind = (variant: string, provider: Provider, graph: Graph, build: Build, threads: number, workers: number): Kind => ({
	variant,
	provider,
	graph,
	files: [graph.file, ...graph.external],
	threads,
	workers,
	build,
})
