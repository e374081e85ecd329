// What `npm test` and `npm run test:full` have in common: they end with one line that counts, and an exit code.

import { SetupError } from '../../demo/setup/report.mjs'
import { notOk } from './not-ok.mjs'
import { summary } from './vitest.mjs'

/**
 * Ends the process with the counts that `work` gives. A set-up that fails counts as one failed test.
 */
export async function main(work) {
	let counts
	try {
		counts = await work()
	} catch (error) {
		process.stdout.write(`\n${notOk('set-up', error instanceof SetupError ? error.message : error.stack)}\n`)
		counts = { passed: 0, failed: 1, skipped: 0 }
	}
	process.exitCode = counts.failed === 0 ? 0 : 1
	process.stdout.write(`${summary(counts)}\n`)
}
