// The little of the peers that the benchmark calls. They are installed by the benchmark alone.

declare module '@huggingface/transformers' {
	export const env: {
		allowRemoteModels: boolean
		allowLocalModels: boolean
		localModelPath: string
		backends: { onnx: { wasm?: { wasmPaths?: string; numThreads?: number } } }
	}
	export interface FeatureExtractionPipeline {
		(texts: string[], options: { pooling: 'mean'; normalize: boolean }): Promise<{ dims: number[]; data: unknown }>
		dispose(): Promise<unknown>
	}
	export function pipeline(task: 'feature-extraction', model: string, options: { dtype: string; device: string }): Promise<unknown>
}

declare module 'workerpool' {
	export class Transfer {
		constructor(message: unknown, transfer: unknown[])
	}
	export function worker(methods: Record<string, (...args: never[]) => unknown>): void
	export interface Pool {
		exec(method: string, params: unknown[]): PromiseLike<unknown>
		terminate(): PromiseLike<unknown>
	}
	export function pool(script: string, options: Record<string, unknown>): Pool
}
