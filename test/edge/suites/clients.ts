// What real clients sent, recorded byte for byte, and sent again.

import { describe, expect, test } from 'vitest'
import { decodeResponse } from '../../../runtime/remote/oip.ts'
import { jsonOf as json, type Recorded, type Replied, recorded, send as sendTo } from '../harness/recorded.ts'
import { type EdgeUnderTest, expectedNumbers } from './under-test.ts'

export function clientsSuite(edge: () => EdgeUnderTest): void {
	const send = (one: Recorded, more?: string[]) => sendTo(edge().url, one, more)
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
			// Of Triton's own extensions there is the repository, with a key; the others are not part of the protocol.
			expect([config, stats, index, nope].map((reply) => reply?.status)).toEqual([404, 404, 401, 404])
			for (const reply of [config, stats, index, nope]) expect(json(reply as Replied).error).toEqual(expect.any(String))
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

	test("TensorFlow Serving's REST, by requests of Python", async () => {
		const [status, rows, columns, metadata] = recorded('tfs_rest_requests') as [Recorded, Recorded, Recorded, Recorded]
		expect(json(await send(status)).model_version_status).toMatchObject([{ version: '1', state: 'AVAILABLE' }])
		expect(json(await send(rows, withKey))).toEqual({ predictions: [expectedNumbers] })
		expect(json(await send(columns, withKey))).toEqual({ outputs: [expectedNumbers] })
		expect(json(await send(metadata)).metadata.signature_def.signature_def.serving_default.inputs.x.dtype).toBe('DT_FLOAT')
		const refused = await send(rows)
		expect([refused.status, json(refused).error]).toEqual([401, expect.stringMatching(/API key/)])
	})

	test("KServe's client, version 1", async () => {
		const [ready, predict, explain] = recorded('kserve_client_v1') as [Recorded, Recorded, Recorded]
		expect(json(await send(ready))).toMatchObject({ name: 'tiny', ready: true })
		expect(json(await send(predict, withKey))).toEqual({ predictions: [expectedNumbers] })
		const refused = await send(explain, withKey)
		expect([refused.status, json(refused).error]).toEqual([501, expect.stringMatching(/explain/)])
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

		test('azure-ai-inference', async () => {
			// It was given another key, which it sends twice.
			const keyed = (one: Recorded): Recorded => ({ ...one, headers: one.headers.map((value) => value.replace(/^(Bearer )?key$/, '$1k')) })
			const [embeddings, ...chats] = recorded('azure_ai_inference').map(here).map(keyed)
			const reply = await send(embeddings as Recorded)
			expect(reply.status).toBe(200)
			expect(json(reply).data[0].embedding).toHaveLength(4)
			// The same model does not write.
			for (const chat of chats.map((one) => ({ ...one, path: one.path.replace('/plain', '') })))
				expect(json(await send(chat)).error).toMatchObject({ code: 'model_not_found' })
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
