import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { openaiSuite } from './suites/openai.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

openaiSuite(() => edge)
