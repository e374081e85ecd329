// Hands the browser's storage to the test, as the engine opens it: in workers.

import { wrap } from 'comlink'
import type { Action, StorageWorker } from './worker.ts'

declare global {
	interface Window {
		/** Does something in the worker of this name, which is started when it is first named. */
		act(worker: string, action: Action): Promise<unknown>
		/** Ends the worker of this name at once. */
		end(worker: string): void
	}
}

const workers = new Map<string, { worker: Worker; act: StorageWorker['act'] }>()

window.act = (name, action) => {
	const started = workers.get(name) ?? start()
	workers.set(name, started)
	return started.act(action)
}

function start() {
	const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
	const { act } = wrap<StorageWorker>(worker)
	return { worker, act: (action: Action) => act(action) }
}

window.end = (name) => {
	workers.get(name)?.worker.terminate()
	workers.delete(name)
}
