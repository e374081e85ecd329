// Questions and answers between the primary process and a worker, over the channel that Node gives them.

import { SpillwayError } from '../../../../runtime/core/error.ts'

/** What one side answers. Values travel as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: parameters of functions of all kinds.
type Answers = Record<string, (...values: any[]) => unknown>

/** The end of a channel: `process` in a worker, `Worker` in the primary. */
export interface Channel {
	send?(message: object, callback: (error: Error | null) => void): boolean
	on(event: 'message', listener: (message: Message) => void): unknown
	on(event: 'disconnect', listener: () => void): unknown
}

type Question = { ask: number; what: string; values: unknown[] }
type Message = Question | { answer: number; value?: unknown; error?: string }

/** Asks the other side. Rejects with `unavailable` when that fails there, or is not there any more. */
export type Ask<Theirs extends Answers> = <What extends keyof Theirs & string>(
	what: What,
	...values: Parameters<Theirs[What]>
) => Promise<Awaited<ReturnType<Theirs[What]>>>

/** @param answers to the other side's questions. */
export function talk<Theirs extends Answers>(channel: Channel, answers: Answers): Ask<Theirs> {
	const open = new Map<number, { resolve(value: never): void; reject(error: unknown): void }>()
	let last = 0

	function send(message: Message): void {
		const failed = (error: Error | null) => {
			if (!error || !('ask' in message)) return
			open.get(message.ask)?.reject(gone(error))
			open.delete(message.ask)
		}
		try {
			channel.send?.(message, failed)
		} catch (error) {
			failed(error as Error)
		}
	}

	async function answer({ ask, what, values }: Question): Promise<void> {
		try {
			send({ answer: ask, value: await answers[what]?.(...values) })
		} catch (error) {
			send({ answer: ask, error: SpillwayError.from(error).message })
		}
	}

	channel.on('message', (message) => {
		if ('ask' in message) {
			answer(message)
			return
		}
		const asked = open.get(message.answer)
		open.delete(message.answer)
		if (message.error === undefined) asked?.resolve(message.value as never)
		else asked?.reject(new SpillwayError('unavailable', message.error))
	})
	channel.on('disconnect', () => {
		for (const { reject } of open.values()) reject(gone())
		open.clear()
	})

	return (what, ...values) =>
		new Promise((resolve, reject) => {
			const ask = ++last
			open.set(ask, { resolve, reject })
			send({ ask, what, values })
		})
}

const gone = (cause?: Error) => new SpillwayError('unavailable', 'the process at the other end of the channel is gone', { cause })
