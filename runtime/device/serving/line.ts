// A version's line from the page to one of its session workers: laid when nobody asks for anything, and anew when that worker is gone.

import type { Member } from '../member.ts'
import type { Stillness } from './stillness.ts'

/** Milliseconds without a call before the worker makes its tokenizer, which takes some fifty. */
const pause = 10

export interface LineOptions {
	/** The worker that it should lead to now. */
	member(): Member | undefined
	/** Reads the tokenizer's file. */
	tokenizer(): Promise<Uint8Array<ArrayBuffer>>
	stillness: Stillness
	/** No more is laid. */
	signal: AbortSignal
	/** Takes the page's end. @param worker aborts when the worker at the other end is gone. */
	onLine(port: MessagePort, worker: AbortSignal): void
}

/** @returns lays one if there is none to the right worker; to be called whenever that may have changed. */
export function keepLine({ member, tokenizer, stillness, signal, onLine }: LineOptions): () => void {
	let end: Member | undefined

	async function lay(to: Member): Promise<void> {
		await stillness.when(pause, AbortSignal.any([signal, to.over]), async () => {
			const file = await tokenizer()
			if (end !== to) return
			const { port1, port2 } = new MessageChannel()
			to.lay(port2, file)
			onLine(port1, to.over)
		})
	}

	return () => {
		const to = signal.aborted ? undefined : member()
		if (to === end) return
		end = to
		// Without it the engine answers all the same.
		if (to) lay(to).catch(() => {})
	}
}
