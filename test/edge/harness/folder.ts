// A folder for one test file.

import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from '../../fixtures/at-end.ts'

/** Makes a folder that is removed after the file's tests. */
export function temporaryFolder(): { readonly path: string } {
	const path = mkdtempSync(join(tmpdir(), 'spillway-test-'))
	atEnd(() => rm(path, { recursive: true, force: true }))
	return { path }
}
