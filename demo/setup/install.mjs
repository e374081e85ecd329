// The dependencies: installed when they are missing or are not those of the lock file.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { node, npm, root, run } from './command.mjs'
import { say } from './report.mjs'

/** Brings `node_modules` to what package-lock.json says. Takes milliseconds when it is. */
export async function install() {
	if (installed()) return
	say('Installing the dependencies …')
	await run(npm('ci', '--loglevel=error', '--no-audit', '--no-fund'), {
		// onnxruntime-node's install script would fetch CUDA files; the CPU provider is in the package.
		env: { ONNXRUNTIME_NODE_INSTALL: 'skip' },
		hint: 'Set-up needs the npm registry once.',
	})
}

/** Whether npm's own record of what it installed (written last) agrees with the lock file. */
function installed() {
	if (!existsSync(node)) return false
	const wanted = packagesOf(join(root, 'package-lock.json'))
	const present = packagesOf(join(root, 'node_modules', '.package-lock.json'))
	return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
		if (path === '') return true
		const found = present[path]
		return found ? found.version === version && found.integrity === integrity : optional === true
	})
}

function packagesOf(lockFile) {
	try {
		return JSON.parse(readFileSync(lockFile, 'utf8')).packages
	} catch {
		return {}
	}
}
