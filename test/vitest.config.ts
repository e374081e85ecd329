// The tests of `npm test`: those in Node, and after them, one at a time, those that drive a browser.

import { defineConfig } from 'vitest/config'

const inBrowser = ['test/{browser,page,demo,package/vite}/**/*.test.ts']

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
					exclude: [...inBrowser, 'test/full/**'],
					sequence: { groupOrder: 0 },
					testTimeout: 30_000,
					hookTimeout: 60_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'browser',
					include: inBrowser,
					fileParallelism: false,
					sequence: { groupOrder: 1 },
					testTimeout: 60_000,
					hookTimeout: 120_000,
				},
			},
		],
	},
})
