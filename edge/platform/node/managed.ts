// What looks after the models of a Node process: memory, changed routes, comparisons.

import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { EdgeConfig } from '../../config/schema.ts'
import { routesFile } from '../../state/routes-file.ts'
import { type MemoryBudget, memoryBudget } from '../../versions/budget.ts'
import { type Comparisons, memoryComparisons } from '../../versions/comparisons.ts'
import type { RouteStore } from '../../versions/state.ts'

export interface Managed {
	readonly budget: MemoryBudget
	readonly routes: RouteStore
	readonly comparisons: Comparisons
}

/** @param stateDir the state folder; processes that share it share the routes. */
export const managed = ({ server }: Pick<EdgeConfig, 'server'>, stateDir: string): Managed => ({
	budget: memoryBudget(server.memory ?? memoryHere() / 2),
	routes: routesFile(join(stateDir, 'routes.json')),
	comparisons: memoryComparisons(),
})

/** Of the container, where that has a limit, else of the machine. */
const memoryHere = (): number => Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())
