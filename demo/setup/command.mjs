// Runs programs as part of set-up. What they write goes to standard error.

import { spawn } from 'node:child_process'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SetupError } from './report.mjs'

/** The repository's top folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Node as the repository brings it: the version that everything here runs on, whatever the host has. */
export const node = join(root, 'node_modules', '.bin', 'node')

/**
 * Runs a program to its end.
 * @param command Program and arguments.
 * @param options `env`: added to the environment; `hint`: what to do when it fails.
 * @throws SetupError when it cannot be started or its exit code is not 0.
 */
export function run([program, ...args], { env = {}, hint = '' } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 2, 2] })
		const failed = (why) => reject(new SetupError(`${[program, ...args].join(' ')} ${why}.${hint && ` ${hint}`}`))
		child.on('error', (error) => failed(`cannot be started: ${error.message}`))
		child.on('close', (code, signal) =>
			code === 0 ? resolve() : failed(signal ? `was ended by ${signal}` : `failed with exit code ${code}`),
		)
	})
}

/** npm, as it started this process where it did, else as the system finds it. */
export function npm(...args) {
	const cli = process.env.npm_execpath
	return cli && basename(cli).startsWith('npm') ? [process.execPath, cli, ...args] : ['npm', ...args]
}
