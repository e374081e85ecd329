// A packed model in this process, just as an edge on Node runs it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Task } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { createCatalog } from '../catalog/catalog.ts'
import { folder } from '../platform/node/folder.ts'
import { nodeSession } from '../platform/node/session.ts'

/**
 * Loads the current version of a model from a folder with packed models. Every byte is held against its digest; the channel's
 * signature is not looked at, for whoever runs this holds the folder.
 *
 * @param models a folder as `spillway pack` writes it.
 * @param task what the model must be able to do.
 * @returns an executor named `device`; disposing of it gives the disk space back that it needed.
 * @throws SpillwayError `not-found` (no such model, no graph for this provider), `unsupported`, `golden-mismatch`, `integrity`, `environment`.
 */
export async function localModel(models: string, name: string, task: Task): Promise<Executor> {
	const catalog = createCatalog(folder(models))
	const packed = await catalog.channel(name)
	if (!packed)
		throw new SpillwayError('not-found', `there is no model ${name} in ${models}; give another folder with --models, or an edge with --url`)
	const digest = packed.channel.manifest
	const stored = await catalog.manifest(digest)
	if (!stored) throw new SpillwayError('not-found', `${models} lacks manifest ${digest}, which the channel of ${name} names`)
	const { manifest } = stored
	if (manifest.task?.kind !== task) throw new SpillwayError('unsupported', `${name} has no task ${task}, it takes only tensors`)
	const variant = Object.keys(manifest.variants).find((candidate) => manifest.variants[candidate]?.graphs.cpu)
	if (!variant) throw new SpillwayError('not-found', `${name} ${manifest.version} has no graph for the execution provider cpu`)
	const cache = await mkdtemp(join(tmpdir(), 'spillway-'))
	const clean = () => rm(cache, { recursive: true, force: true })
	try {
		const version = { name, digest, manifest, variant, config: { tokensPerRun: 4096 } }
		const executor = await nodeSession(version, { catalog, cache, name: 'device' })
		return { ...executor, dispose: () => executor.dispose().finally(clean) }
	} catch (error) {
		await clean()
		throw error
	}
}
