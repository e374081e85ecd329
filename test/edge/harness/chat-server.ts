// A server of OpenAI's interface as its reference documents it, and as it should not be: each fault is one way in which a server, or the way to it, fails.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A model that is called so is answered so; each other one as it should be. */
export const faults = [
	'hangs before headers',
	'hangs before the first chunk',
	'hangs in mid-stream',
	'is cut in mid-stream',
	'ends in mid-stream',
	'fails in mid-stream',
	'answers garbage',
	'answers a page',
	'answers another form',
	'answers another choice',
	'drips',
	'changes the id',
	'sends huge headers',
	'is busy',
	'fails',
	'does not like the request',
] as const
export type Fault = (typeof faults)[number]

export interface ChatServer {
	/** Base address, as clients of OpenAI take it. */
	readonly url: string
	/** Bodies of the requests so far. */
	readonly asked: Record<string, unknown>[]
	/** Requests that are being answered. */
	readonly open: Set<IncomingMessage>
	close(): Promise<void>
}

/** Words that it answers with, one chunk each. */
export const words = ['Turn', ' the', ' wheel', ' 🔧', ' slowly.']
export const text = words.join('')
const usage = { prompt_tokens: 7, completion_tokens: words.length, total_tokens: 7 + words.length }

interface Asked {
	readonly model: Fault | 'big'
	readonly stream?: boolean
	readonly stream_options?: { include_usage?: boolean }
	readonly n?: number
	readonly input?: string | string[]
	readonly encoding_format?: string
}

/** What it makes of a text: four numbers. */
export const vectorOf = (input: string): number[] => [input.length, input.length / 2, 1, 0.25]

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

export async function startChatServer(): Promise<ChatServer> {
	const asked: Record<string, unknown>[] = []
	const open = new Set<IncomingMessage>()
	const server = createServer(async (request, response) => {
		response.on('error', () => {})
		if (request.url === '/v1/models')
			return json(response, { object: 'list', data: [{ id: 'big', object: 'model', created: 1, owned_by: 'x' }] })
		open.add(request)
		response.on('close', () => open.delete(request))
		const parts: Buffer[] = []
		for await (const part of request) parts.push(part)
		const body = JSON.parse(Buffer.concat(parts).toString()) as Asked
		asked.push({ ...body, headers: request.headers })
		if (before(response, body.model)) return
		if (request.url === '/v1/embeddings') return json(response, embeddings(body))
		if (body.stream) await stream(response, body)
		else json(response, completion(body))
	})
	server.listen(0, '127.0.0.1')
	await once(server, 'listening')
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
		asked,
		open,
		async close() {
			server.closeAllConnections()
			await new Promise((resolve) => server.close(resolve))
		},
	}
}

function json(response: ServerResponse, value: unknown, status = 200, headers: Record<string, string> = {}): void {
	response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

const problem = (message: string, type: string, code: string | null = null) => ({ error: { message, type, param: null, code } })

/** What goes wrong before anything was answered; whether it did. */
function before(response: ServerResponse, fault: Asked['model']): boolean {
	if (fault === 'hangs before headers') return true
	if (fault === 'is busy') json(response, problem('slow down', 'requests', 'rate_limit_exceeded'), 429, { 'retry-after': '7' })
	else if (fault === 'fails') json(response, problem('the GPU is on fire', 'server_error'), 500)
	else if (fault === 'does not like the request') json(response, problem('temperature must be at most 2', 'invalid_request_error'), 400)
	else if (fault === 'answers a page') response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome to nginx</h1>')
	else if (fault === 'sends huge headers') json(response, {}, 200, { 'x-huge': 'x'.repeat(100_000) })
	else return false
	return true
}

const head = ({ model }: Asked) => ({ id: 'chatcmpl-1', created: 1_700_000_000, model, system_fingerprint: 'fp_1' })

function completion(asked: Asked): unknown {
	const { model: fault } = asked
	if (fault === 'answers garbage') return 'garbage'
	const wanted = fault === 'answers another choice' ? 2 : (asked.n ?? 1)
	const choices = Array.from({ length: wanted }, (_, index) => ({
		index,
		message: fault === 'answers another form' ? text : { role: 'assistant', content: text, refusal: null },
		logprobs: null,
		finish_reason: 'stop',
	}))
	return { ...head(asked), object: 'chat.completion', choices, usage }
}

async function stream(response: ServerResponse, asked: Asked): Promise<void> {
	const { model: fault } = asked
	response.writeHead(200, { 'content-type': 'text/event-stream' })
	response.flushHeaders()
	const say = async (value: unknown) => {
		if (response.destroyed) return
		if (!response.write(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`))
			await once(response, 'drain').catch(() => {})
		await pause(1)
	}
	const chunk = (choices: unknown[], more: object = {}) => ({ ...head(asked), object: 'chat.completion.chunk', choices, ...more })
	const all = Array.from({ length: asked.n ?? 1 }, (_, index) => index)
	if (fault === 'hangs before the first chunk') return
	if (fault === 'drips') return drip(response)
	if (fault === 'answers garbage') return say('{"choices": [')
	if (fault === 'answers another form') return say({ text: 'Turn' })
	await say(chunk(all.map((index) => ({ index, delta: { role: 'assistant', content: '' }, finish_reason: null }))))
	for (const [at, word] of words.entries()) {
		if (at === 2) {
			if (fault === 'hangs in mid-stream') return
			if (fault === 'is cut in mid-stream') return void response.destroy()
			if (fault === 'ends in mid-stream') return void response.end()
			if (fault === 'fails in mid-stream')
				return void response.end(`data: ${JSON.stringify(problem('the GPU is on fire', 'server_error'))}\n\n`)
		}
		const index = fault === 'answers another choice' ? 5 : undefined
		const one = chunk(all.map((own) => ({ index: index ?? own, delta: { content: word }, finish_reason: null })))
		await say(at > 1 && fault === 'changes the id' ? { ...one, id: 'chatcmpl-2' } : one)
	}
	await say(chunk(all.map((index) => ({ index, delta: {}, finish_reason: 'stop' }))))
	if (asked.stream_options?.include_usage) await say(chunk([], { usage }))
	response.end('data: [DONE]\n\n')
}

/** One character at a time, and never a whole event. */
async function drip(response: ServerResponse): Promise<void> {
	response.write('data: {"id":"')
	while (!response.destroyed) {
		response.write('x')
		await pause(20)
	}
}

function embeddings({ model: fault, input = [], encoding_format: encoding }: Asked): unknown {
	if (fault === 'answers garbage') return 'garbage'
	const texts = [input].flat()
	const data = texts.map((one, index) => {
		const vector = fault === 'answers another form' ? [1] : vectorOf(one)
		const bytes = Buffer.from(Float32Array.from(vector).buffer)
		return { object: 'embedding', index, embedding: encoding === 'base64' ? bytes.toString('base64') : vector }
	})
	if (fault === 'answers another choice') data.pop()
	return { object: 'list', data: data.reverse(), model: fault, usage: { prompt_tokens: texts.length * 2, total_tokens: texts.length * 2 } }
}
