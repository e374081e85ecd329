// The tests of `npm run test:full`: against one running edge, one file at a time.

import { defineConfig } from 'vitest/config'

export default defineConfig({
	root: new URL('../..', import.meta.url).pathname,
	test: {
		name: 'full',
		include: ['test/full/**/*.test.ts'],
		globalSetup: ['test/full/edge.ts'],
		fileParallelism: false,
		expect: { poll: { timeout: 30_000 } },
		testTimeout: 120_000,
		hookTimeout: 120_000,
	},
})
