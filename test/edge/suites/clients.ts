// What real clients sent, recorded byte for byte, and sent again.

import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { decodeResponse } from '../../../runtime/remote/oip.ts'
import { type EdgeUnderTest, expectedNumbers } from './under-test.ts'

interface Recorded {
	readonly method: string
	readonly path: string
	/** As they came: names and values in turn. */
	readonly headers: string[]
	readonly body: Buffer
}

/** The requests of a recording; a newline separates them. */
function recorded(name: string): Recorded[] {
	let rest = readFileSync(new URL(`../../fixtures/clients/${name}.http`, import.meta.url))
	const requests: Recorded[] = []
	while (rest.length > 1) {
		const end = rest.indexOf('\r\n\r\n')
		const [first = '', ...lines] = rest.subarray(0, end).toString('latin1').trimStart().split('\r\n')
		const [method = '', path = ''] = first.split(' ')
		const headers = lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
		const length = Number(lines.find((line) => /^content-length:/i.test(line))?.split(':')[1] ?? 0)
		requests.push({ method, path, headers, body: rest.subarray(end + 4, end + 4 + length) })
		rest = rest.subarray(end + 4 + length)
	}
	return requests
}

interface Replied {
	readonly status: number
	readonly headers: Record<string, string | undefined>
	readonly body: Buffer
}

export function clientsSuite(edge: () => EdgeUnderTest): void {
	/** Sends exactly the headers of the recording, and those of `more`. */
	const send = ({ method, path, headers, body }: Recorded, more: string[] = []) =>
		new Promise<Replied>((resolve, reject) => {
			const options = { method, headers: [...headers, ...more], setDefaultHeaders: false, timeout: 30_000, agent: false }
			const sent = request(new URL(path, edge().url), options, async (response) => {
				const parts: Buffer[] = []
				for await (const part of response) parts.push(part)
				resolve({ status: response.statusCode ?? 0, headers: response.headers as Replied['headers'], body: Buffer.concat(parts) })
			})
			sent.on('error', reject)
			sent.end(body)
		})

	const json = ({ body }: Replied) => JSON.parse(body.toString())
	const numbers = ({ headers, body }: Replied) =>
		Array.from(decodeResponse(body, headers['inference-header-content-length'] ?? null).outputs.y?.data as Float32Array)
	const withKey = ['authorization', 'Bearer k']

	describe('tritonclient[http]', () => {
		test.each(['binary', 'gzip', 'deflate'])('infer, %s', async (name) => {
			const reply = await send(recorded(`triton_http_${name}`)[0] as Recorded)
			expect(reply.status).toBe(200)
			expect(reply.headers['content-type']).toBe('application/octet-stream')
			expect(numbers(reply)).toEqual(expectedNumbers)
			expect(decodeResponse(reply.body, reply.headers['inference-header-content-length'] ?? null).id).toBe('q1')
		})

		test('infer, JSON', async () => {
			const reply = await send(recorded('triton_http_json')[0] as Recorded)
			expect(reply.headers['content-type']).toBe('application/json')
			expect(json(reply)).toMatchObject({ id: 'q1', model_name: 'js', outputs: [{ name: 'y', data: expectedNumbers }] })
		})

		test('infer without listed outputs: all come as binary data', async () => {
			const [asked] = recorded('triton_http_async') as [Recorded]
			const reply = await send(asked, withKey)
			expect(numbers(reply)).toEqual([10, 100, 1000])
			const refused = await send(asked)
			expect(refused.status).toBe(401)
			expect(json(refused).error).toMatch(/API key/)
		})

		test('strings are refused in words that it shows', async () => {
			const reply = await send(recorded('triton_http_bytes')[0] as Recorded, withKey)
			expect(reply.status).toBe(422)
			expect(json(reply).error).toMatch(/BYTES/)
		})

		test('health and metadata', async () => {
			const replies: Replied[] = []
			for (const one of recorded('triton_http_meta')) replies.push(await send(one))
			const [live, ready, server, modelReady, model, config, stats, index, nope] = replies as [Replied, ...Replied[]]
			expect([live, ready, server, modelReady, model].map((reply) => reply?.status)).toEqual([200, 200, 200, 200, 200])
			expect(json(model as Replied)).toMatchObject({ name: 'tiny', inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4] }] })
			// Triton's own extensions are not part of the protocol.
			for (const reply of [config, stats, index, nope]) {
				expect(reply?.status).toBe(404)
				expect(json(reply as Replied).error).toEqual(expect.any(String))
			}
		})
	})

	test("KServe's client", async () => {
		const replies: Replied[] = []
		for (const one of recorded('kserve_client_v2')) replies.push(await send(one, one.method === 'POST' ? withKey : []))
		const [live, ready, modelReady, binary, asJson, nope] = replies as [Replied, Replied, Replied, Replied, Replied, Replied]
		expect([json(live), json(ready), modelReady.status]).toEqual([{ live: true }, { ready: true }, 200])
		expect(numbers(binary)).toEqual(expectedNumbers)
		expect(json(asJson).outputs[0].data).toEqual(expectedNumbers)
		expect(nope.status).toBe(404)
	})

	describe('openai, of npm and of PyPI', () => {
		/** They were given another base address. */
		const here = (one: Recorded): Recorded => ({ ...one, path: one.path.replace(/^\/v1(\/float)?/, '/openai/v1') })

		test.each(['openai_npm_embeddings', 'openai_py_embeddings'])('%s', async (name) => {
			for (const one of recorded(name).map(here)) {
				const asked = JSON.parse(one.body.toString())
				const reply = await send(one)
				// Three dimensions of four, and token ids of another tokenizer: both would be silently wrong.
				if (asked.dimensions || Array.isArray(asked.input[0])) {
					expect(reply.status).toBe(400)
					expect(json(reply).error.type).toBe('invalid_request_error')
					continue
				}
				expect(reply.status).toBe(200)
				const { object, data, model, usage } = json(reply)
				expect({ object, model }).toEqual({ object: 'list', model: 'm' })
				expect(usage.prompt_tokens).toBe(3)
				const [{ embedding }] = data
				if (asked.encoding_format === 'base64') expect(Buffer.from(embedding, 'base64').byteLength).toBe(16)
				else expect(embedding).toHaveLength(4)
			}
		})

		test.each(['openai_npm_models', 'openai_py_models'])('%s', async (name) => {
			for (const one of recorded(name).map(here)) {
				const reply = await send(one)
				expect(reply.status).toBe(200)
				const model = one.path.endsWith('/models') ? json(reply).data[0] : json(reply)
				expect(model).toMatchObject({ id: 'm', object: 'model', created: expect.any(Number), owned_by: 'spillway' })
			}
		})
	})
}
