// Models of this process.

import type { MemoryBudget } from '../../versions/budget.ts'
import { loading } from '../loading.ts'
import type { Answering, Version } from '../served.ts'
import { type NodeSessionOptions, nodeSession } from './session.ts'

export interface InProcessOptions extends Omit<NodeSessionOptions, 'reserve'> {
	/** Memory that all models of the process share. Default: as much as there is. */
	budget?: MemoryBudget
}

/** Runs a version in this process. Loading begins with the first call, `ready` or `loaded`. */
export function inProcess(version: Version, { budget, ...options }: InProcessOptions): Required<Answering> {
	const { model, version: number, task } = version.manifest
	const executor = loading({
		name: 'edge',
		what: `${model} ${number}`,
		accepts: ['tensors', ...(task ? [task.kind] : [])],
		load: (reserve) => nodeSession(version, { ...options, reserve }),
		kept: () => version.kept(),
		...(budget && { budget }),
	})
	return {
		executor,
		ready: async () => executor.ready(),
		loaded: () => executor.loaded(),
		standing: async () => executor.state(),
		unload: () => executor.unload(),
	}
}
