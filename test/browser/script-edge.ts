// A real edge that serves its script, with a key for pages of any origin.

import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../edge/config/load.ts'
import { type RunningEdge, serve } from '../../edge/node.ts'
import { atEnd } from '../fixtures/at-end.ts'
import type { Models } from './models.ts'

/** Publishable. */
export const key = 'pk_script_test'

/** Serves the models until the tests of the file are over; resolves when they answer. */
export async function serveScript(models: Models): Promise<RunningEdge> {
	const stateDir = await mkdtemp(join(tmpdir(), 'spillway-edge-'))
	atEnd(() => rm(stateDir, { recursive: true }))
	const hash = createHash('sha256').update(key).digest('hex')
	const config = loadConfig({
		file: { models: { 'tiny-text': {}, 'tiny-pixels': {} }, keys: [{ id: 'page', hash, kind: 'publishable', loopback: true }] },
	})
	const edge = await serve({ config, environment: {}, port: 0, stateDir, modelsDir: models.folder })
	atEnd(() => edge.close())
	await edge.ready()
	return edge
}
