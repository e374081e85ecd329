// Runs a vitest project on the repository's Node and counts what came of it.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { node, root } from '../../demo/setup/command.mjs'
import { notOk } from './not-ok.mjs'

const reporter = fileURLToPath(new URL('reporter.mjs', import.meta.url))

/**
 * A run that fails without a failed test, one without tests and one that does not end count as failed too.
 * @param options `config`: vitest configuration file; `env`: added to the environment; `limit`: milliseconds for the whole run.
 * @returns `{ passed, failed, skipped }`, as `reporter.mjs` counts
 */
export async function vitest({ config, env = {}, limit }) {
	const folder = mkdtempSync(join(tmpdir(), 'spillway-test-'))
	const file = join(folder, 'counts.json')
	try {
		const args = ['run', '--config', config, '--reporter=default', `--reporter=${reporter}`]
		const code = await exitCode([join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args], { ...env, TEST_COUNTS: file }, limit)
		const counts = read(file)
		if (counts.failed === 0 && (code !== 0 || counts.passed === 0)) {
			process.stdout.write(`${notOk('the run as a whole', `It ended with ${code ?? 'a signal'}, and ${counts.passed} tests passed.`)}\n`)
			counts.failed = 1
		}
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

function read(file) {
	try {
		return JSON.parse(readFileSync(file, 'utf8'))
	} catch {
		return { passed: 0, failed: 0, skipped: 0 }
	}
}

/** The one line that a run ends with. */
export const summary = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
