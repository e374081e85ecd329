// A models address to read from: a folder or a web server.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import { channelPath, compressedPath } from '../../format/layout.ts'

export interface Place {
	/** Bytes at a path of the layout. @throws SpillwayError `not-found` or `network`. */
	read(path: string): Promise<Uint8Array>
	/** The brotli form beside a path; `null` where there is none, or where it cannot be known: a web server sends it in place of the plain one. */
	compressed(path: string): Promise<Uint8Array | null>
	/** Names of the models that are there; `null` where that cannot be known. */
	models(): Promise<string[] | null>
}

/** Milliseconds that one download may take. */
const patience = 60_000

/** @param base a folder, or an address that begins with `http:` or `https:`. */
export const placeOf = (base: string): Place => (/^https?:/i.test(base) ? address(base) : folder(base))

function folder(base: string): Place {
	return {
		async read(path) {
			try {
				return await readFile(join(base, path))
			} catch (cause) {
				throw new SpillwayError('not-found', `cannot be read: ${messageOf(cause)}`, { cause })
			}
		},
		async compressed(path) {
			return readFile(join(base, compressedPath(path))).catch((error: NodeJS.ErrnoException) => {
				if (error.code === 'ENOENT') return null
				throw new SpillwayError('not-found', `cannot be read: ${messageOf(error)}`, { cause: error })
			})
		},
		async models() {
			let entries: string[]
			try {
				entries = await readdir(base)
			} catch (cause) {
				throw new SpillwayError('not-found', `${base} cannot be read: ${messageOf(cause)}`, { cause })
			}
			const found = await Promise.all(
				entries.map((name) =>
					readFile(join(base, channelPath(name))).then(
						() => name,
						() => null,
					),
				),
			)
			return found.filter((name) => name !== null).sort()
		},
	}
}

function address(base: string): Place {
	const root = base.endsWith('/') ? base : `${base}/`
	return {
		async read(path) {
			const url = new URL(path, root)
			let response: Response
			try {
				response = await fetch(url, { signal: AbortSignal.timeout(patience) })
				if (response.ok) return new Uint8Array(await response.arrayBuffer())
			} catch (cause) {
				throw new SpillwayError('network', `cannot be fetched from ${url}: ${messageOf(cause)}`, { cause })
			}
			throw new SpillwayError(response.status === 404 ? 'not-found' : 'network', `cannot be fetched: HTTP ${response.status} from ${url}`)
		},
		compressed: async () => null,
		models: async () => null,
	}
}
