// The configuration's file. Node only.

import { readFile } from 'node:fs/promises'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'

/** The name that is looked for in the working folder when `SPILLWAY_CONFIG` gives no other. */
export const defaultConfigFile = 'spillway.config.json'

/**
 * Reads the file.
 * @param path default: {@link defaultConfigFile}, which need not be there.
 * @throws SpillwayError `not-found` for a path that was given and is not there, `malformed` when it is no JSON.
 */
export async function readConfigFile(path?: string): Promise<unknown> {
	const name = path || defaultConfigFile
	let text: string
	try {
		text = await readFile(name, 'utf8')
	} catch (error) {
		if (!path && (error as NodeJS.ErrnoException).code === 'ENOENT') return {}
		throw new SpillwayError('not-found', `cannot read the configuration ${name}: ${messageOf(error)}`, { cause: error })
	}
	try {
		return JSON.parse(text)
	} catch (error) {
		throw new SpillwayError('malformed', `${name} is no JSON: ${messageOf(error)}`, { cause: error })
	}
}
