// Python's clients, unmodified, against the edge of `npm start`. test/full.mjs makes the Python that has them.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, inject, test } from 'vitest'
import { root } from '../package/repository.ts'

const python = process.env.TEST_PYTHON

/** What the script prints, having asked the edge. */
async function ask(script: string, address = inject('edge').url): Promise<Record<string, unknown>> {
	const { key } = inject('edge')
	const { stdout } = await promisify(execFile)(python ?? '', [join(root, 'test', 'python', script), address, key], { timeout: 60_000 })
	return JSON.parse(stdout)
}

const cosine = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)

describe.skipIf(!python)('openai', () => {
	test('embeds in both encodings, lists models, and gets errors in its own form', async () => {
		const got = await ask('openai_client.py')
		expect(got.models).toContain('minilm')
		const floats = got.floats as number[][]
		expect(got.default).toHaveLength(384)
		expect(cosine(got.default as number[], floats[0] ?? [])).toBeCloseTo(1, 5)
		expect(got.tokens).toBe(9)
		expect(got['unknown model']).toEqual(['NotFoundError', 'model_not_found'])
		expect(got['wrong key']).toEqual(['AuthenticationError', 'invalid_api_key'])
		expect(got.empty).toEqual(['BadRequestError', null])
	})
})

describe.skipIf(!python)('tritonclient[http]', () => {
	test('health, metadata, inference in binary, JSON and compressed, errors', async () => {
		const got = await ask('triton_client.py')
		expect(got).toMatchObject({ live: true, ready: true, 'model ready': true })
		expect(got.inputs).toEqual([
			['input_ids', 'INT64'],
			['attention_mask', 'INT64'],
		])
		expect(got.outputs).toEqual([['sentence_embedding', 'FP32']])
		const [id, binary] = got.binary as [string, number[]]
		expect(id).toBe('one')
		expect(binary).toHaveLength(384)
		expect(cosine(binary, binary)).toBeCloseTo(1, 4)
		for (const way of ['json', 'gzip']) expect(cosine((got[way] as [string, number[]])[1], binary), way).toBeCloseTo(1, 5)
		expect(got['wrong input']).toMatch(/nope/)
		expect(got['no key']).toMatch(/key/i)
	})
})

describe.skipIf(!python)('tritonclient[grpc]', () => {
	test('health, metadata, inference plain and compressed, a stream, errors', async () => {
		const got = await ask('triton_grpc_client.py', `127.0.0.1:${inject('edge').grpcPort}`)
		expect(got).toMatchObject({ live: true, ready: true, 'model ready': true, server: 'spillway' })
		expect(got.inputs).toEqual([
			['input_ids', 'INT64'],
			['attention_mask', 'INT64'],
		])
		expect(got.outputs).toEqual([['sentence_embedding', 'FP32']])
		const [id, plain] = got.plain as [string, number[]]
		expect(id).toBe('one')
		expect(plain).toHaveLength(384)
		for (const way of ['gzip', 'deflate', 'in time']) expect((got[way] as [string, number[]])[1], way).toEqual(plain)
		expect(got.stream).toEqual(['first', plain, expect.stringMatching(/nope/)])
		expect(got['wrong input']).toEqual(['StatusCode.INVALID_ARGUMENT', expect.stringMatching(/nope/)])
		expect(got['no key']).toEqual(['StatusCode.UNAUTHENTICATED', expect.stringMatching(/key/i)])
		expect(got['unknown model']).toEqual(['StatusCode.NOT_FOUND', expect.stringMatching(/nope/)])
	})
})

describe.skipIf(!python)("Python's own gRPC", () => {
	test('calls a method that it knows by reflection alone, and the health service', async () => {
		const got = await ask('grpc_client.py', `127.0.0.1:${inject('edge').grpcPort}`)
		expect(got.services).toEqual(expect.arrayContaining(['inference.GRPCInferenceService', 'grpc.health.v1.Health']))
		// SERVING
		expect(got).toMatchObject({ inputs: ['input_ids', 'attention_mask'], health: 1, watched: 1 })
	})
})
