// npm run build: dependencies, then everything in dist/ that is stale. Plain Node 20 without dependencies.

import { build } from './setup/build.mjs'
import { install } from './setup/install.mjs'
import { fail } from './setup/report.mjs'

try {
	await install()
	await build()
} catch (error) {
	fail(error)
}
