// A file appears whole, or not at all.

import { open, rename, rm } from 'node:fs/promises'

export interface WriteOptions {
	/** Permissions. Default: those that the process gives. */
	readonly mode?: number
	/** Puts what was written in its place. Default: in place of what is there. */
	readonly place?: (temporary: string, file: string) => Promise<void>
}

/** Writes beside the place, waits until it is on the disk, and puts it there. The folder must exist. @throws what the file system throws. */
export async function writeWhole(file: string, content: string | Uint8Array, { mode, place = rename }: WriteOptions = {}): Promise<void> {
	const temporary = `${file}.${process.pid}-${crypto.randomUUID()}`
	try {
		const opened = await open(temporary, 'wx', mode)
		try {
			await opened.writeFile(content)
			await opened.sync()
		} finally {
			await opened.close()
		}
		await place(temporary, file)
	} finally {
		await rm(temporary, { force: true })
	}
}
