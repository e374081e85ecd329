// npm test: set-up, then all tests that need no more than npm and a Chromium. Plain Node 20 without dependencies.

import { build } from '../demo/setup/build.mjs'
import { install } from '../demo/setup/install.mjs'
import { findChromium } from './setup/chromium.mjs'
import { main } from './setup/main.mjs'
import { vitest } from './setup/vitest.mjs'

await main(async () => {
	await install()
	await build()
	return vitest({
		config: 'test/vitest.config.ts',
		// The edge takes variables that begin with SPILLWAY_ for its settings.
		env: { CHROME_PATH: await findChromium(), SPILLWAY_CHROMIUM: undefined },
		limit: 30 * 60_000,
	})
})
