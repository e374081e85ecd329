// Programs of the system: found on the PATH, or installed from the distribution's packages where this process may do that.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from '../../demo/setup/command.mjs'
import { say } from '../../demo/setup/report.mjs'

/** Those of `names` (or absolute paths) that are there and can be run. */
export function find(names) {
	const folders = (process.env.PATH ?? '').split(delimiter)
	return names.flatMap((name) => (name.includes('/') ? [name] : folders.map((folder) => join(folder, name)))).filter(runnable)
}

function runnable(file) {
	try {
		accessSync(file, constants.X_OK)
		return true
	} catch {
		return false
	}
}

/** Whether `apt-get install` would work here without asking anyone. */
export const mayInstall = () => process.getuid?.() === 0 && find(['apt-get']).length > 0

/** Installs packages of Debian or Ubuntu. */
export async function installPackages(...packages) {
	say(`Installing ${packages.join(', ')} from the distribution …`)
	const env = { DEBIAN_FRONTEND: 'noninteractive' }
	await run(['apt-get', 'update', '-q'], { env })
	await run(['apt-get', 'install', '-q', '-y', '--no-install-recommends', ...packages], { env })
}
