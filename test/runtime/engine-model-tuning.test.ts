// What an application may fix of the engine, and what the engine says to anything else.

import { expect, test } from 'vitest'
import { checkTuning } from '../../runtime/device/tuning.ts'

test.each([
	[{}],
	[{ maxBatch: undefined, idle: undefined }],
	[
		{
			maxBatch: 1,
			maxWait: 0,
			threads: 2,
			workers: 4,
			memory: 100e6,
			idle: Number.POSITIVE_INFINITY,
			providers: ['wasm', 'webgpu', 'webnn'],
		},
	],
] as const)('%j is taken', (tuning) => expect(checkTuning(tuning)).toBe(tuning))

test.each([
	[{ batch: 1 }, /unknown option "batch"/],
	[{ maxBatch: 0 }, /maxBatch must be a whole number above 0/],
	[{ maxWait: -1 }, /maxWait must be milliseconds/],
	[{ threads: 1.5 }, /threads/],
	[{ workers: '2' }, /workers/],
	[{ memory: 0 }, /memory must be a number of bytes/],
	[{ memory: Number.POSITIVE_INFINITY }, /memory/],
	[{ idle: 0 }, /idle must be milliseconds, or Infinity/],
	[{ idle: Number.NaN }, /idle/],
	[{ providers: [] }, /providers must be a list of wasm, webgpu, webnn/],
	[{ providers: ['cpu'] }, /providers/],
	[{ providers: 'wasm' }, /providers/],
] as const)('%j is refused', (tuning, message) => {
	expect(() => checkTuning(tuning as object)).toThrow(
		expect.objectContaining({ code: 'malformed', message: expect.stringMatching(message) }),
	)
})
