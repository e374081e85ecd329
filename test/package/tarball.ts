// The package as it would be published, for the tests that look into it.

import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './repository.ts'

export interface Tarball {
	/** Where the .tgz is, alone in a temporary folder. */
	readonly file: string
	readonly folder: string
	/** Paths inside the package. */
	readonly paths: readonly string[]
	/** Bytes of the .tgz. */
	readonly size: number
}

/** Packs what is built in dist/. */
export async function packed(): Promise<Tarball> {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-package-'))
	const { stdout } = await promisify(execFile)('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
		cwd: root,
		maxBuffer: 16 * 1024 * 1024,
	})
	const [{ filename, files, size }] = Object.values(JSON.parse(stdout)) as [{ filename: string; files: { path: string }[]; size: number }]
	return { file: join(folder, filename), folder, paths: files.map(({ path }) => path), size }
}
