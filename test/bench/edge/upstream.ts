// The upstream of all contenders, a process of its own: answers at once, or after a while and only so many calls at a time.
// usage: upstream.ts [milliseconds] [calls at a time]

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tensor } from '../../../runtime/core/tensor.ts'
import { encodeResponse } from '../../../runtime/remote/oip.ts'

const [milliseconds = 0, atATime = Number.POSITIVE_INFINITY] = process.argv.slice(2).map(Number)

const chat = {
	headers: { 'content-type': 'application/json' },
	body: Buffer.from(
		JSON.stringify({
			id: 'chatcmpl-1',
			object: 'chat.completion',
			created: 1_700_000_000,
			model: 'chat',
			choices: [
				{
					index: 0,
					message: { role: 'assistant', content: 'You can reset it on the page where you sign in: choose "Forgot password".' },
					finish_reason: 'stop',
				},
			],
			usage: { prompt_tokens: 12, completion_tokens: 17, total_tokens: 29 },
		}),
	),
}
const numbers = encodeResponse(
	{ model: 'numbers', version: '1', outputs: { y: tensor('FP32', [1, 3], Float32Array.of(30, 300, 3000)) } },
	{ binaryOutput: true },
)

let running = 0
const waiting: (() => void)[] = []

const server = createServer(async (request, response) => {
	const { headers, body } = request.url?.endsWith('/infer') ? numbers : chat
	for await (const _ of request);
	if (milliseconds > 0) {
		while (running >= atATime) await new Promise<void>((resolve) => waiting.push(resolve))
		running++
		await new Promise((resolve) => setTimeout(resolve, milliseconds))
		running--
		waiting.shift()?.()
	}
	response.writeHead(200, { ...headers, 'content-length': body.byteLength })
	response.end(body)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening http://127.0.0.1:${(server.address() as AddressInfo).port}\n`))
