// Writing many files so that none is ever seen half written.

import { mkdir, mkdtemp, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface Content {
	/** Relative to the folder. */
	readonly path: string
	readonly bytes: Uint8Array
}

/**
 * Writes `contents` and then `last` below `out`: all of it beside its place first, then each file is renamed, `last` last.
 * Files that are there with the same bytes are left alone. After an error nothing of it remains, or what remains is whole
 * and not yet named by `last`.
 *
 * @returns those of `contents` that were not there.
 */
export async function writeAll(out: string, contents: readonly Content[], last: Content): Promise<Content[]> {
	const created = await mkdir(out, { recursive: true })
	const stage = await mkdtemp(join(out, '.pack-'))
	try {
		const missing: Content[] = []
		for (const content of contents) if (!(await isThere(join(out, content.path), content.bytes))) missing.push(content)
		const moves = [...missing, last]
		for (const [index, { bytes }] of moves.entries()) await writeFile(join(stage, String(index)), bytes)
		for (const [index, { path }] of moves.entries()) {
			await mkdir(dirname(join(out, path)), { recursive: true })
			await rename(join(stage, String(index)), join(out, path))
		}
		await rm(stage, { recursive: true })
		return missing
	} catch (error) {
		await rm(stage, { recursive: true, force: true })
		// Empty unless something else was put there meanwhile.
		if (created) await rmdir(out).catch(() => undefined)
		throw error
	}
}

async function isThere(file: string, bytes: Uint8Array): Promise<boolean> {
	try {
		return (await readFile(file)).equals(bytes)
	} catch {
		return false
	}
}
