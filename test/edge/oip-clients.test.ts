import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { clientsSuite } from './suites/clients.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

clientsSuite(() => edge)
