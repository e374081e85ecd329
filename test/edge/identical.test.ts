import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { identicalSuite } from './suites/identical.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

identicalSuite(() => edge)
