// A body that is too long, and says no length: on Node the client gets its refusal, and the connection is good for its next request.

import { Agent, type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocal } from './local.ts'
import { keys } from './suites/under-test.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(async () => {
	agent.destroy()
	await edge.close()
})

/** Sends so many pieces of 16 KiB, and no length. */
function send(path: string, type: string, pieces: number): Promise<{ status: number | undefined; body: unknown; again: boolean }> {
	return new Promise((resolve, reject) => {
		const sent = request(`${edge.url}${path}`, {
			agent,
			method: 'POST',
			headers: { authorization: `Bearer ${keys.secret}`, 'content-type': type },
		})
		sent.on('error', reject)
		const answered = new Promise<IncomingMessage>((answer) => sent.on('response', answer))
		const body = answered.then(json)
		// When all is sent, too, the agent takes the connection back.
		sent.on('close', async () => resolve({ status: (await answered).statusCode, body: await body, again: sent.reusedSocket }))
		const piece = Buffer.alloc(16_384, ' ')
		const write = (left: number) => (left > 0 ? sent.write(piece, () => write(left - 1)) : sent.end())
		write(pieces)
	})
}

test.each([
	['REST', '/v2/models/tiny/infer', 'application/json', 413, { code: 'too-large' }],
	['OpenAI', '/openai/v1/embeddings', 'application/json', 413, { error: { code: 'too_large' } }],
	[
		'Connect, a method without a key',
		'/inference.GRPCInferenceService/ServerLive',
		'application/proto',
		429,
		{ code: 'resource_exhausted' },
	],
])('%s', async (_, path, type, status, body) => {
	expect(await send(path, type, 256)).toMatchObject({ status, body })
	const next = await send('/v2/models/tiny/infer', 'application/json', 0)
	expect(next).toMatchObject({ status: 400, again: true })
})
