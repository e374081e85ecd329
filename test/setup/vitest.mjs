// Runs a vitest project on the repository's Node and counts what came of it.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { node, root } from '../../demo/setup/command.mjs'

/**
 * Whatever goes wrong counts as failed: a file that cannot be loaded, an error outside of any test, a run without tests, a run
 * that does not end.
 * @param options `config`: vitest configuration file; `env`: added to the environment; `limit`: milliseconds for the whole run.
 * @returns `{ passed, failed, skipped }`
 */
export async function vitest({ config, env = {}, limit }) {
	const folder = mkdtempSync(join(tmpdir(), 'spillway-test-'))
	const report = join(folder, 'report.json')
	try {
		const args = ['run', '--config', config, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
		const code = await exitCode([join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args], env, limit)
		const counts = read(report)
		if (code !== 0 && counts.failed === 0) counts.failed = 1
		if (counts.passed + counts.failed === 0) counts.failed = 1
		return counts
	} finally {
		rmSync(folder, { recursive: true, force: true })
	}
}

function exitCode(args, env, limit) {
	return new Promise((resolve, reject) => {
		const child = spawn(node, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] })
		const timer = setTimeout(() => {
			process.stderr.write(`The tests did not end within ${limit / 60_000} minutes.\n`)
			child.kill('SIGKILL')
		}, limit)
		for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
		child.on('error', reject)
		child.on('close', (code) => {
			clearTimeout(timer)
			resolve(code)
		})
	})
}

function read(report) {
	let results
	try {
		results = JSON.parse(readFileSync(report, 'utf8'))
	} catch {
		return { passed: 0, failed: 1, skipped: 0 }
	}
	const broken = results.testResults.filter(
		({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
	)
	return {
		passed: results.numPassedTests,
		failed: results.numFailedTests + broken.length,
		skipped: results.numPendingTests + results.numTodoTests,
	}
}

/** The one line that a run ends with. */
export const summary = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
