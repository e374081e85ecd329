// A pool for each test, ended after it, and many calls at once for it.

import { afterEach } from 'vitest'
import type { Executor } from '../../runtime/core/executor.ts'
import type { Pool, PoolOptions } from '../../runtime/device/pool.ts'
import { call, type Members, makePool, type Script, settled, until } from './engine-pool-members.ts'
import { context } from './tiny-sessions.ts'

export let pool: Pool
export let members: Members
let session: Executor

export async function poolOf(most: number, scripts: readonly Script[] = [], options: Partial<PoolOptions> = {}): Promise<void> {
	const made = await makePool(most, scripts, options)
	pool = made.pool
	members = made.members
	session = members.session
}

afterEach(async () => {
	await pool?.dispose()
	await session?.dispose()
})

/** How so many calls at once end. */
export const ask = (count: number, more = {}) => settled(Array.from({ length: count }, () => pool.infer(call(), context(more))))
export const answered = (count: number) => new Array(count).fill('answered')
/** Until all workers have something to do. */
export const busy = () => until(() => members.living.every(({ calls }) => calls.length > 0))
