// Models of this process.

import { loading } from '../loading.ts'
import type { Answering, Version } from '../served.ts'
import { type NodeSessionOptions, nodeSession } from './session.ts'

export interface InProcess extends Answering {
	/** Settles with the load; rejects with its error. */
	loaded(): Promise<void>
}

/** Runs a version in this process. Loading begins with the first call, `ready` or `loaded`. */
export function inProcess(version: Version, options: NodeSessionOptions): InProcess {
	const { model, version: number, task } = version.manifest
	const executor = loading({
		name: 'edge',
		what: `${model} ${number}`,
		accepts: ['tensors', ...(task ? [task.kind] : [])],
		load: () => nodeSession(version, options),
	})
	return { executor, ready: async () => executor.ready(), loaded: () => executor.loaded() }
}
