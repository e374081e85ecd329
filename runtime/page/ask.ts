// The asking half of Comlink, in its own wire format: all of Comlink would be a fifth of the page's script, for five methods.
// https://github.com/GoogleChromeLabs/comlink (src/protocol.ts); the engine worker answers with Comlink itself.

import type { EngineControl } from '../device/control.ts'

/** Calls a method of the engine. Like Comlink's own, it waits for ever when the worker dies. */
export type Ask = <K extends keyof EngineControl>(
	method: K,
	parameters: Parameters<EngineControl[K]>,
	transfer?: Transferable[],
) => Promise<Awaited<ReturnType<EngineControl[K]>>>

/** A returned value; what was thrown comes by the handler `throw`. */
interface Reply {
	id: string
	type: 'RAW' | 'HANDLER'
	value: never
}

export function askOver(worker: Worker): Ask {
	const waiting: ((reply: Reply) => void)[] = []
	worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
		waiting[+data.id]?.(data)
		delete waiting[+data.id]
	})
	return (method, parameters, transfer = []) =>
		new Promise((resolve, reject) => {
			const id = waiting.push(({ type, value }) => (type === 'RAW' ? resolve : reject)(value)) - 1
			const argumentList = parameters.map((value) => ({ type: 'RAW', value }))
			worker.postMessage({ id: `${id}`, type: 'APPLY', path: [method], argumentList }, transfer)
		})
}
