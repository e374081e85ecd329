// min-tfs-client of PyPI, unmodified, over native gRPC against the edge of `npm start`. test/full.mjs makes the Python that has it.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { root } from '../package/repository.ts'

const python = process.env.TEST_PYTHON_TFSERVING

describe.skipIf(!python)('min-tfs-client', () => {
	let got: Record<string, unknown>
	beforeAll(async () => {
		const { url, grpcPort, key } = inject('edge')
		const script = join(root, 'test', 'python', 'tfserving_client.py')
		const { stdout } = await promisify(execFile)(python ?? '', [script, url, String(grpcPort), key], { timeout: 60_000 })
		got = JSON.parse(stdout)
	})

	test('predicts, and the REST interface gives the same bits in rows and columns', () => {
		expect(got.vector).toHaveLength(384)
		const bits = (vector: unknown) => Array.from(new Uint32Array(Float32Array.from(vector as number[]).buffer))
		for (const way of ['rows', 'columns']) expect(bits(got[way]), way).toEqual(bits(got.vector))
		expect(got['of version']).toBe('minilm')
	})

	test('reads the signature and the state of a model', () => {
		expect(got.signature).toEqual(['attention_mask', 'input_ids'])
		// AVAILABLE
		expect(got.state).toBe(30)
	})

	test('gets errors as statuses that it knows', () => {
		expect(got['wrong model']).toEqual(['NOT_FOUND', expect.stringContaining('nope')])
		expect(got['wrong version']).toEqual(['NOT_FOUND', expect.stringContaining('99')])
		expect(got['wrong input']).toEqual(['INVALID_ARGUMENT', expect.stringContaining('nope')])
		expect(got['no key']).toEqual(['UNAUTHENTICATED', expect.stringMatching(/key/i)])
	})
})
