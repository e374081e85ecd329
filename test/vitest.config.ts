// The tests of `npm test`: those in Node, and after them, one file at a time, those that drive a browser or the whole system.

import { defineConfig } from 'vitest/config'

const oneAtATime = ['test/{browser,page,demo,package/vite,start}/**/*.test.ts']

export default defineConfig({
	root: new URL('..', import.meta.url).pathname,
	test: {
		maxWorkers: 2,
		projects: [
			{
				extends: true,
				test: {
					name: 'node',
					include: ['test/**/*.test.ts'],
					exclude: [...oneAtATime, 'test/full/**'],
					sequence: { groupOrder: 0 },
					testTimeout: 30_000,
					hookTimeout: 60_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'one at a time',
					include: oneAtATime,
					fileParallelism: false,
					sequence: { groupOrder: 1 },
					testTimeout: 60_000,
					hookTimeout: 120_000,
				},
			},
		],
	},
})
