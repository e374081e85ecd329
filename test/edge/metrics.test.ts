import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { metricsSuite } from './suites/metrics.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

metricsSuite(() => edge)
