// Calls over a message port: every call settles, buffers are handed over, errors arrive as they were.

import { afterEach, expect, test } from 'vitest'
import type { Answer, Call, EmbedCall } from '../../runtime/core/call.ts'
import { provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context } from '../../runtime/core/executor.ts'
import { answerOver, type Caller, callOver } from '../../runtime/device/port.ts'
import type { Reply } from '../../runtime/device/protocol.ts'
import { context } from './tiny-sessions.ts'

let caller: Caller
let far: MessagePort
const told: Reply[] = []
afterEach(() => {
	caller.close(new SpillwayError('disposed', 'the test is over'))
	told.length = 0
})

function connect(infer: (call: Call, context: Context) => Promise<Answer>): void {
	const { port1, port2 } = new MessageChannel()
	far = port2
	answerOver(port2, infer)
	caller = callOver(port1, 'the other side', (message) => told.push(message))
}

const call = (input = ['hello']): EmbedCall => ({ kind: 'task', task: 'embed', model: { name: 'm' }, input })
const answer = (vectors: Float32Array[]): Answer => ({
	output: { kind: 'embed', vectors, tokens: 3 },
	ran: provenance('device', { name: 'm' }),
})

test('call and context arrive, the answer comes back, its buffers are handed over', async () => {
	const made = [Float32Array.of(1, 2), Float32Array.of(3, 4)]
	const seen: [Call, Context][] = []
	connect(async (call, context) => {
		seen.push([call, context])
		context.retries.left--
		return answer(made)
	})
	const given = context({ remaining: 5_000, hops: 2, retries: { left: 3 } })
	expect(await caller.infer(call(), given)).toEqual(answer([Float32Array.of(1, 2), Float32Array.of(3, 4)]))
	expect(seen).toMatchObject([[call(), { remaining: 5_000, hops: 2, trace: given.trace }]])
	expect(made.map(({ length }) => length)).toEqual([0, 0])
	expect(given.retries.left).toBe(2)
})

test('what the caller gave stays the caller’s', async () => {
	connect(async () => answer([]))
	const data = BigInt64Array.of(1n)
	await caller.infer({ kind: 'tensors', model: { name: 'm' }, tensors: { ids: { datatype: 'INT64', shape: [1], data } } }, context())
	expect(data).toHaveLength(1)
})

test('errors arrive with code, cause and time to wait', async () => {
	connect(() =>
		Promise.reject(new SpillwayError('unavailable', 'not now', { retryAfter: 1500, cause: new SpillwayError('network', 'no way') })),
	)
	await expect(caller.infer(call(), context())).rejects.toMatchObject({
		code: 'unavailable',
		message: 'not now',
		retryAfter: 1500,
		cause: { code: 'network', message: 'no way' },
	})
	connect(() => Promise.reject(new TypeError('a slip')))
	await expect(caller.infer(call(), context())).rejects.toMatchObject({ code: 'internal', message: 'a slip' })
	connect(() => {
		throw new SpillwayError('disposed', 'at once')
	})
	await expect(caller.infer(call(), context())).rejects.toMatchObject({ code: 'disposed' })
})

test('an abort settles the call at once and reaches the other side', async () => {
	let reached: AbortSignal | undefined
	connect((_, { signal }) => {
		reached = signal
		return new Promise(() => {})
	})
	const controller = new AbortController()
	const running = caller.infer(call(), context({ signal: controller.signal }))
	await expect.poll(() => reached).toBeDefined()
	controller.abort('enough')
	await expect(running).rejects.toMatchObject({ code: 'aborted', cause: 'enough' })
	await expect.poll(() => reached?.aborted).toBe(true)
})

test('a deadline settles the call although nothing comes back', async () => {
	connect(() => new Promise(() => {}))
	await expect(caller.infer(call(), context({ remaining: 20 }))).rejects.toMatchObject({ code: 'deadline-exceeded' })
})

test('`ask` waits for the other side, abort or not', async () => {
	connect((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => setTimeout(() => resolve(answer([])), 20))))
	const controller = new AbortController()
	const running = caller.ask(call(), context({ signal: controller.signal }))
	setTimeout(() => controller.abort())
	await expect(running).resolves.toEqual(answer([]))
})

test('when the other side is gone, calls under way and later ones reject with the reason', async () => {
	connect(() => new Promise(() => {}))
	const calls = [caller.infer(call(), context()), caller.ask(call(), context())]
	caller.close(new SpillwayError('worker-lost', 'it died'))
	for (const running of [...calls, caller.infer(call(), context())]) await expect(running).rejects.toMatchObject({ code: 'worker-lost' })
})

test('what cannot be cloned is invalid input, not a hang', async () => {
	connect(async () => answer([]))
	await expect(caller.infer(call([(() => {}) as unknown as string]), context())).rejects.toMatchObject({ code: 'invalid-input' })
})

test('many calls at once do not get mixed up, whatever order they are answered in', async () => {
	connect(async (call) => {
		const [text] = (call as EmbedCall).input
		await new Promise((resolve) => setTimeout(resolve, 20 - Number(text)))
		return answer([Float32Array.of(Number(text))])
	})
	const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => caller.infer(call([String(index)]), context())))
	expect(answers).toEqual(answers.map((_, index) => answer([Float32Array.of(index)])))
})

test('what is told unasked is passed on', async () => {
	connect(async () => answer([]))
	const progress = { type: 'progress', model: 'm', phase: 'files', loaded: 1, total: 2, stored: 0 } as const
	far.postMessage(progress)
	await expect.poll(() => told).toEqual([progress])
})
