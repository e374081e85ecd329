// Module workers from scripts of any origin. A worker's script must be of the page's origin: one of another is run from memory, and only
// if it is the file that this build was published with.

import { digestOf } from '../../models/format/digest.ts'
import { SpillwayError } from '../core/error.ts'
import { trusted } from './trusted.ts'

/** Hex SHA-256 of files as they were published, by their names. The build puts them in, in the place of `sha256:` and the name. */
export type Digests = Readonly<Record<string, string>>

/** In a worker started from memory, `origin` is that of the page; `location.origin` too, but not in all browsers. */
export const isForeign = (address: string): boolean => new URL(address).origin !== self.origin

/** @param name shown in developer tools. */
export const spawn = (address: string, name: string): Worker => new Worker(trusted(address), { type: 'module', name })

/**
 * An address in memory from which any number of workers can be started, and they their threads, until it is revoked.
 *
 * @param url of the script; its name stays visible in developer tools.
 */
export const inMemory = (url: string, script: BlobPart): string =>
	`${URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))}#${nameOf(url)}`

/**
 * Refuses a script that is not as it was published. Of one with another name nothing is known: bundlers minify what they copy, and name it anew.
 *
 * @throws SpillwayError `integrity`.
 */
export async function checkScript(url: string, script: Uint8Array, digests: Digests): Promise<void> {
	const digest = digests[nameOf(url)]
	if (digest !== undefined && (await digestOf(script)) !== digest)
		throw new SpillwayError('integrity', `${url} is not the file of this build: serve the files of one build, unchanged`)
}

const nameOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1)
