// A worker asked by number, as people write it by hand: both ends.

type Embed = (texts: readonly string[]) => Promise<Float32Array[]>

interface Asked {
	id: number
	/** Each is answered when its texts are embedded. */
	texts: string[]
}

/** In the page. @param name of the worker's bundle. */
export function askWorker(name: string): { ask(texts: string[]): Promise<Float32Array[]>; terminate(): void } {
	const worker = new Worker(`/bench/${name}.js`, { type: 'module' })
	const waiting = new Map<number, (vectors: Float32Array[]) => void>()
	worker.onmessage = ({ data }: MessageEvent<{ id: number; vectors: Float32Array[] }>) => {
		waiting.get(data.id)?.(data.vectors)
		waiting.delete(data.id)
	}
	worker.onerror = (event) => reportError(new Error(`${name}: ${event.message}`))
	let last = 0
	return {
		ask: (texts) =>
			new Promise((resolve) => {
				last += 1
				waiting.set(last, resolve)
				worker.postMessage({ id: last, texts } satisfies Asked)
			}),
		terminate: () => worker.terminate(),
	}
}

/** In the worker: answers in order of arrival. onnxruntime-web queues the runs of a session by itself, but tokenizing stays in order, too. */
export function answerInOrder(model: Promise<Embed>): void {
	let before: Promise<unknown> = Promise.resolve()
	self.onmessage = ({ data }: MessageEvent<Asked>) => {
		before = before.then(async () => answer(data, await (await model)(data.texts)))
	}
}

export function answer({ id }: Pick<Asked, 'id'>, vectors: Float32Array[]): void {
	postMessage({ id, vectors }, { transfer: vectors.map((vector) => vector.buffer as ArrayBuffer) })
}
