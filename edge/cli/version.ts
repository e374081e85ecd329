// The version of this package, from the package.json that lies above, in the sources and in the built package alike.

import { readFileSync } from 'node:fs'

/** @example version() // '0.1.0' */
export function version(): string {
	for (let folder = new URL('./', import.meta.url); ; folder = new URL('../', folder)) {
		try {
			const { name, version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'))
			if (name === 'spillway') return version
		} catch {
			// Not here: further up.
		}
		if (folder.pathname === '/') return 'unknown'
	}
}
