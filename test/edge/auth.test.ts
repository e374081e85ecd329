import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { authSuite } from './suites/auth.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

authSuite(() => edge)
