// Streams that need no key are bounded in number and in time.

import { expect, test } from 'vitest'
import { keylessStreams } from '../../edge/protocols/grpc/keyless.ts'

/** Gives one message, and then waits until it is ended. */
async function* watched(signal: AbortSignal): AsyncGenerator<string> {
	yield 'up'
	await new Promise<void>((resolve) => {
		if (signal.aborted) resolve()
		signal.addEventListener('abort', () => resolve())
	})
}

const never = () => new AbortController().signal

test('too many at a time are refused, with a time to come back; one that is left makes room', async () => {
	const keyless = keylessStreams({ most: 2 })
	const [first, second] = [keyless(never(), watched), keyless(never(), watched)]
	expect([await first.next(), await second.next()]).toMatchObject([{ value: 'up' }, { value: 'up' }])
	await expect(keyless(never(), watched).next()).rejects.toMatchObject({ code: 'rate-limited', retryAfter: 10_000 })
	await first.return(undefined)
	expect(await keyless(never(), watched).next()).toMatchObject({ value: 'up' })
})

test('a stream ends when the client leaves, or its time is over', async () => {
	const client = new AbortController()
	const keyless = keylessStreams({ most: 1, longest: 50 })
	const left = keyless(client.signal, watched)
	await left.next()
	client.abort()
	expect(await left.next()).toMatchObject({ done: true })
	const late = keyless(never(), watched)
	await late.next()
	expect(await late.next()).toMatchObject({ done: true })
})
