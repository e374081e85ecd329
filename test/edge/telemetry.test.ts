import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { telemetrySuite } from './suites/telemetry.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

telemetrySuite(() => edge)
