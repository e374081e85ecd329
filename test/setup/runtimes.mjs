// Other JavaScript runtimes for the tests, from npm, under `.spillway/`.

import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { npm, root, run } from '../../demo/setup/command.mjs'
import { say } from '../../demo/setup/report.mjs'
import { find } from './program.mjs'

const versions = { bun: '1.4.5', deno: '2.9.6' }

/**
 * The path of a runtime: `TEST_BUN` or `TEST_DENO` where that is set, else it is installed where it is missing.
 *
 * @param {'bun' | 'deno'} name
 * @returns undefined where npm has none for this machine.
 */
export async function findRuntime(name) {
	const given = process.env[`TEST_${name.toUpperCase()}`]
	if (given) return find([given])[0]
	const folder = join(root, '.spillway', `${name}-${versions[name]}`)
	const program = join(folder, 'node_modules', '.bin', name)
	if (!existsSync(program)) {
		say(`Installing ${name} ${versions[name]} …`)
		mkdirSync(folder, { recursive: true })
		await run(npm('install', '--prefix', folder, '--no-save', '--loglevel=error', `${name}@${versions[name]}`))
	}
	return find([program])[0]
}
