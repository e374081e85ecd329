// How far a load has come: the version's files, and beside them ONNX Runtime's.

import type { Read } from '../store/store.ts'
import type { Progress } from './protocol.ts'
import { ortWasm } from './wasm.ts'

export class LoadProgress {
	readonly #model: string
	readonly #onProgress: (progress: Progress) => void
	#files: Read = { loaded: 0, total: 0, stored: 0, left: null }
	#wasm = { loaded: 0, stored: 0 }
	#over = false

	constructor(model: string, onProgress: (progress: Progress) => void) {
		this.#model = model
		this.#onProgress = onProgress
	}

	files(read: Read): void {
		this.#files = read
		this.tell('files')
	}

	/** ONNX Runtime's WebAssembly is there. */
	wasm(stored: boolean): void {
		this.#wasm = { loaded: ortWasm.size, stored: stored ? ortWasm.size : 0 }
		if (this.#files.total > 0) this.tell('files')
	}

	tell(phase: Progress['phase']): void {
		if (this.#over) return
		const { loaded, total, stored, left } = this.#files
		this.#onProgress({
			model: this.#model,
			phase,
			loaded: loaded + this.#wasm.loaded,
			total: total && total + ortWasm.size,
			stored: stored + this.#wasm.stored,
			left: phase === 'files' ? left : null,
		})
	}

	/** Tells no more: what comes now is no part of the load. */
	end(): void {
		this.#over = true
	}
}
