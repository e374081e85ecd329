// Files of a folder.

import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ReadableStream } from 'node:stream/web'
import { type Files, isSafePath } from '../../catalog/files.ts'
import { matches } from '../../catalog/respond.ts'

/** Up to this many bytes are read in one go, more are streamed: chunks are the rule. */
const atOnce = 2 * 1024 * 1024

/**
 * @param root the folder; it may come to be later. Symbolic links in it are followed: they are its owner's.
 * @example const catalog = createCatalog(folder('dist/packed'))
 */
export function folder(root: string): Files {
	return {
		async get(path, ifNoneMatch) {
			if (!isSafePath(path)) return null
			const file = join(root, path)
			const found = await stat(file).catch(() => null)
			if (!found?.isFile()) return null
			const headers = { etag: `W/"${found.size.toString(36)}-${Math.floor(found.mtimeMs).toString(36)}"` }
			if (matches(ifNoneMatch ?? null, headers.etag)) return new Response(null, { status: 304, headers })
			// A stream from here is opened when its first bytes are wanted: nothing is left open by a response that is not read.
			const body = found.size > atOnce ? (ReadableStream.from(read(file)) as unknown as BodyInit) : await readFile(file)
			return new Response(body, { headers: { ...headers, 'content-length': String(found.size) } })
		},
	}
}

async function* read(file: string): AsyncGenerator<Uint8Array> {
	yield* createReadStream(file, { highWaterMark: 256 * 1024 })
}
