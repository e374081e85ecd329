import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { tfservingSuite } from './suites/tfserving.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

tfservingSuite(() => edge)
