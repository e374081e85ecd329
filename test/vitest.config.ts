// The tests of `npm test`: those in Node; after them those that drive a browser or the whole system, two files at a time; then, one at a time,
// those that measure.

import { defineConfig } from 'vitest/config'

const driving = ['test/{browser,demo,start}/**/*.test.ts', 'test/package/*/**/*.test.ts']

/** Their outcome depends on how long something takes, or how much memory or processor time: nothing else may run beside them. */
const measuring = ['test/browser/{lifecycle,pool,provider,smooth,stress,tabs-memory}.test.ts']

export default defineConfig({
	root: new URL('..', import.meta.url).pathname,
	test: {
		maxWorkers: 2,
		// A second, the default, is little on a machine that has much to do.
		expect: { poll: { timeout: 30_000 } },
		projects: [
			{
				extends: true,
				test: {
					name: 'node',
					include: ['test/**/*.test.ts'],
					exclude: [...driving, ...measuring, 'test/full/**'],
					sequence: { groupOrder: 0 },
					testTimeout: 60_000,
					hookTimeout: 120_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'driving',
					include: driving,
					exclude: measuring,
					sequence: { groupOrder: 1 },
					testTimeout: 120_000,
					hookTimeout: 120_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'measuring',
					include: measuring,
					fileParallelism: false,
					sequence: { groupOrder: 2 },
					testTimeout: 120_000,
					hookTimeout: 120_000,
				},
			},
		],
	},
})
