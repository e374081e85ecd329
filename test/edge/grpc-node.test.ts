// Native gRPC as `spillway serve` runs it: in several processes, and over TLS.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { grpcPool } from '../../edge/platform/node/grpc-pool.ts'
import { GRPCInferenceService } from '../../edge/protocols/grpc/proto/inference/open_inference_grpc_pb.ts'
import { isUp } from '../../edge/upstreams/oip-grpc/health.ts'
import { nativeClient } from './grpc-native.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { suiteConfig, suiteModels } from './suites/under-test.ts'

vi.setConfig({ testTimeout: 60_000 })

let packed: PackedFolder
beforeAll(async () => {
	packed = await packModels(suiteModels())
})
afterAll(() => packed?.remove())

const { modelInfer, serverReady } = GRPCInferenceService.method
const request = {
	modelName: 'tiny',
	inputs: [{ name: 'x', datatype: 'FP32', shape: [1n, 4n] }],
	rawInputContents: [new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)],
}

const addressOf = ({ child }: RunningNode): string => /^listening .* grpc=(\S+)$/m.exec(child.log())?.[1] ?? ''

test('workers share the port, and are replaced without a call lost', async () => {
	const edge = await startNode({ config: suiteConfig, models: packed.folder, args: ['--workers', '2'] })
	const client = nativeClient(addressOf(edge))
	const failures: unknown[] = []
	let answers = 0
	let over = false
	const callers = Array.from({ length: 3 }, async () => {
		while (!over) {
			await client.call(modelInfer, request).then(
				() => answers++,
				(error) => failures.push(error),
			)
			await new Promise((resolve) => setTimeout(resolve, 5))
		}
	})
	try {
		await expect.poll(() => answers).toBeGreaterThan(10)
		edge.child.process.kill('SIGHUP')
		await expect.poll(() => edge.child.log(), { timeout: 40_000 }).toMatch(/^reloaded /m)
		const before = answers
		await expect.poll(() => answers).toBeGreaterThan(before + 10)
	} finally {
		over = true
		await Promise.all(callers)
		client.close()
		await edge.close()
	}
	expect(failures).toEqual([])
})

test('its certificate is that of the HTTP server', async () => {
	const at = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))
	const server = { tls: { cert: { file: at('server.pem') }, key: { file: at('server.key') } } }
	const edge = await startNode({ config: { ...suiteConfig, server }, models: packed.folder })
	const [, port] = addressOf(edge).split(':')
	const ca = readFileSync(at('ca.pem'), 'utf8')
	const client = nativeClient(`localhost:${port}`, ca)
	const pool = grpcPool({ tls: { ca } })
	try {
		expect((await client.call(serverReady, {}, { key: null })).output.ready).toBe(true)
		const asked = { key: undefined, hops: 0, environment: {}, upstream: { url: `https://localhost:${port}` } }
		expect(await isUp({ ...asked, fetch: pool.fetch })).toBe(true)
		// Whose authority nobody trusts.
		const other = grpcPool()
		expect(await isUp({ ...asked, fetch: other.fetch })).toBe(false)
		await other.close()
	} finally {
		client.close()
		await pool.close()
		await edge.close()
	}
})
