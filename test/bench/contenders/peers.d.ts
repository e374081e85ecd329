// The little of @huggingface/transformers that the benchmark calls. The package is installed by the benchmark alone.

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
