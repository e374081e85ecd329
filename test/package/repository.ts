// Where the repository is, and how its tools are run from a test.

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's top folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** The lint and format tool's start script. */
export const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome')

export interface Ran {
	code: number | null
	stdout: string
	stderr: string
}

/**
 * Runs a script on the Node that runs the tests, and gives what it wrote whatever its exit code.
 * @param folder Working folder.
 * @param env Added to the environment.
 */
export function run(script: string, args: readonly string[], folder: string, env: Record<string, string> = {}): Promise<Ran> {
	return new Promise((resolve, reject) => {
		const child = spawn(process.execPath, [script, ...args], {
			cwd: folder,
			env: { ...process.env, ...env },
			stdio: ['ignore', 'pipe', 'pipe'],
		})
		let stdout = ''
		let stderr = ''
		child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
		child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
		child.on('error', reject)
		child.on('close', (code) => resolve({ code, stdout, stderr }))
	})
}
