import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { faultsSuite } from './suites/faults.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

faultsSuite(() => edge)
