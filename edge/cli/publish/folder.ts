// Publishing into a folder.

import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '../../../models/format/digest.ts'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import type { Content, Target } from './target.ts'

/** What a publisher that was killed has left behind is removed after a day, in milliseconds. */
const leftAlone = 86_400_000

const staged = '.publish-'

/**
 * @param root made when the first file is put there.
 * @param options.patience milliseconds for which another publisher's lock is waited for; it is held for one small write. Default 5,000.
 */
export function folderTarget(root: string, { patience = 5_000 }: { patience?: number } = {}): Target {
	const at = (path: string) => join(root, path)

	async function write({ path, bytes }: Content): Promise<void> {
		await mkdir(dirname(at(path)), { recursive: true })
		// Of the same file system, out of what is served, and of no other publisher.
		const stage = at(`${staged}${crypto.randomUUID()}`)
		try {
			await writeSynced(stage, bytes)
			await rename(stage, at(path))
		} catch (error) {
			await rm(stage, { force: true })
			throw error
		}
	}

	async function read(path: string) {
		const bytes = await readFile(at(path)).catch(missing)
		return bytes && { bytes, tag: await digestOf(bytes) }
	}

	return {
		where: root,
		read,
		async holds({ path, bytes }) {
			return (await readFile(at(path)).catch(missing))?.equals(bytes) ?? false
		},
		write,
		// As git has it: the lock holds the new content, and becomes the file.
		async swap({ path, bytes }, tag) {
			const lock = at(`${path}.lock`)
			await mkdir(dirname(lock), { recursive: true })
			await take(lock, bytes, patience)
			try {
				const there = (await read(path))?.tag ?? null
				if (there === tag) await rename(lock, at(path))
				else await rm(lock)
				return there === tag
			} catch (error) {
				await rm(lock, { force: true })
				throw error
			} finally {
				await sweep(root)
			}
		},
		holdsConditions: async () => true,
	}
}

async function take(lock: string, bytes: Uint8Array, patience: number): Promise<void> {
	for (const until = performance.now() + patience; ; ) {
		try {
			return await writeSynced(lock, bytes)
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
			if (performance.now() >= until)
				throw new SpillwayError(
					'unavailable',
					`${lock} is there: someone else is publishing. If nobody is, remove it: ${messageOf(error)}`,
					{
						cause: error,
					},
				)
		}
		await sleep(50)
	}
}

/** Whole, or not at all. @throws `EEXIST` where the file is there. */
async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
	const handle = await open(file, 'wx')
	try {
		await handle.writeFile(bytes)
		await handle.sync()
	} catch (error) {
		await rm(file, { force: true })
		throw error
	} finally {
		await handle.close()
	}
}

async function sweep(root: string): Promise<void> {
	for (const name of (await readdir(root)).filter((name) => name.startsWith(staged))) {
		const { mtimeMs } = await stat(join(root, name)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
		if (mtimeMs < Date.now() - leftAlone) await rm(join(root, name), { force: true })
	}
}

function missing(error: NodeJS.ErrnoException): null {
	if (error.code === 'ENOENT') return null
	throw error
}
