// This package as it is installed: its version and its folder, from the sources and from the built files alike.

import { readFileSync } from 'node:fs'

const found = find()

/** Version of the package, e.g. `0.1.0`. */
export const version: string = found.version

/** The package's top folder, with a slash at the end. */
export const packageFolder: URL = found.folder

function find(): { folder: URL; version: string } {
	for (let folder = new URL('./', import.meta.url); ; folder = new URL('../', folder)) {
		try {
			const { name, version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'))
			if (name === 'spillway') return { folder, version }
		} catch {
			// Not here: further up.
		}
		if (folder.pathname === '/') throw new Error(`there is no package.json of spillway above ${import.meta.url}`)
	}
}
