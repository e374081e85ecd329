import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { grpcSuite } from './suites/grpc.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

grpcSuite(() => edge)
