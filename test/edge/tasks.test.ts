import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { tasksSuite } from './suites/tasks.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

tasksSuite(() => edge)
