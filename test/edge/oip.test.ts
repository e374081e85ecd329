import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { oipSuite } from './suites/oip.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

oipSuite(() => edge)
