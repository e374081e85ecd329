// Pythons with what the tests use, each in a virtual environment under `.spillway/`.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root, run } from '../../demo/setup/command.mjs'
import { say } from '../../demo/setup/report.mjs'
import { find } from './program.mjs'

/**
 * Makes the environment where it is missing or its requirements changed.
 *
 * @param file its requirements, in `test/python/`. Default: those of most clients; what cannot live beside them has a file of its own.
 * @returns the path of its Python, or `undefined` when there is no python3 here.
 * @throws SetupError when the environment cannot be made.
 */
export async function findPython(file = 'requirements.txt') {
	const requirements = join(root, 'test', 'python', file)
	const name = file === 'requirements.txt' ? 'python' : `python-${basename(file, '.txt')}`
	const [host] = find(['python3'])
	if (!host) return undefined
	const folder = join(root, '.spillway', name)
	const python = join(folder, 'bin', 'python')
	const stamp = join(folder, 'requirements.sha256')
	const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex')
	if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return python
	say(`Installing what test/python/${file} lists …`)
	rmSync(folder, { recursive: true, force: true })
	const [uv] = find(['uv'])
	if (uv) {
		await run([uv, 'venv', '-q', '--python', host, folder])
		await run([uv, 'pip', 'install', '-q', '--python', python, '-r', requirements])
	} else {
		await run([host, '-m', 'venv', folder], { hint: 'On Debian and Ubuntu, venv is in the package python3-venv.' })
		await run([python, '-m', 'pip', 'install', '-q', '--disable-pip-version-check', '-r', requirements])
	}
	writeFileSync(stamp, digest)
	return python
}
