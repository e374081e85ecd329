import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { openapiSuite } from './suites/openapi.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

openapiSuite(() => edge)
