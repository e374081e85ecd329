// boto3, unmodified, against the edge of `npm start`. test/full.mjs makes the Python that has it.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, inject, test } from 'vitest'
import { root } from '../package/repository.ts'

const python = process.env.TEST_PYTHON

describe.skipIf(!python)('boto3', () => {
	test('invokes an endpoint, and gets errors of classes that it knows', async () => {
		const { url, key } = inject('edge')
		const script = join(root, 'test', 'python', 'sagemaker_client.py')
		const { stdout } = await promisify(execFile)(python as string, [script, url, key], { timeout: 60_000 })
		const got = JSON.parse(stdout)
		expect(got.variant).toBe('int8')
		expect(got.texts[0]).toHaveLength(384)
		expect(got.columns).toEqual({ outputs: got.rows.predictions })
		expect(got.rows.predictions[0]).toEqual(got.texts[0])
		expect(got['unknown endpoint'].slice(0, 2)).toEqual(['ValidationError', 400])
		expect(got['another variant'].slice(0, 2)).toEqual(['ValidationError', 400])
		expect(got['wrong input']).toEqual(['ValidationError', 400, expect.stringContaining('nope')])
		expect(got['wrong key'].slice(0, 2)).toEqual(['UnrecognizedClientException', 403])
	})
})
