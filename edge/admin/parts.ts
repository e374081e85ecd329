// What the admin API works on.

import type { OwnedModels } from '../platform/served.ts'
import type { MemoryBudget } from '../versions/budget.ts'
import type { Comparisons } from '../versions/comparisons.ts'
import type { RouteStore } from '../versions/state.ts'

export interface AdminParts {
	readonly models: Pick<OwnedModels, 'names' | 'versions' | 'routing'>
	readonly routes: RouteStore
	readonly comparisons: Comparisons
	/** Of this process; null where models have processes or objects of their own. */
	readonly memory: MemoryBudget | null
}
