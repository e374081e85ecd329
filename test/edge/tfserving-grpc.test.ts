import { afterAll, beforeAll } from 'vitest'
import { startLocal } from './local.ts'
import { tfservingGrpcSuite } from './suites/tfserving-grpc.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

tfservingGrpcSuite(() => edge)
