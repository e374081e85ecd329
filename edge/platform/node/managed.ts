// What looks after the models of a Node process: memory, and changed routes.

import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { EdgeConfig } from '../../config/schema.ts'
import { routesFile } from '../../state/routes-file.ts'
import { type MemoryBudget, memoryBudget } from '../../versions/budget.ts'
import type { RouteStore } from '../../versions/state.ts'

export interface Managed {
	readonly budget: MemoryBudget
	readonly routes: RouteStore
}

/**
 * @param stateDir the state folder; processes that share it share the routes.
 * @param processes that share the memory. Default 1.
 */
export const managed = ({ server }: Pick<EdgeConfig, 'server'>, stateDir: string, processes = 1): Managed => ({
	budget: memoryBudget((server.memory ?? memoryHere() / 2) / processes),
	routes: routesFile(join(stateDir, 'routes.json')),
})

/** Of the container, where that has a limit, else of the machine. */
const memoryHere = (): number => Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())
