// A real Triton as an upstream, over REST and over gRPC; and Triton's own client against an edge before it.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grpcPool } from '../../edge/platform/node/grpc-pool.ts'
import { isUp as isOipUp } from '../../edge/upstreams/oip/health.ts'
import { oipUpstream } from '../../edge/upstreams/oip/upstream.ts'
import { isUp as isGrpcUp } from '../../edge/upstreams/oip-grpc/health.ts'
import { oipGrpcUpstream } from '../../edge/upstreams/oip-grpc/upstream.ts'
import type { UpstreamOptions } from '../../edge/upstreams/upstream.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import type { Fetch } from '../../runtime/remote/exchange.ts'
import { executorContract } from '../contract/executor.ts'
import { context } from '../edge/harness/minilm.ts'
import { tinyModel, tinySubject } from '../edge/tiny-subject.ts'
import { type RunningTriton, startTriton, tritonPython } from './triton.ts'

type Connection = Omit<UpstreamOptions<unknown>, 'upstream'>

describe.skipIf(!tritonPython)('Triton', () => {
	const pool = grpcPool()
	let triton: RunningTriton
	beforeAll(async () => {
		triton = await startTriton()
	})
	afterAll(async () => {
		await pool.close()
		await triton?.close()
	})

	/** How it is asked, and by what. */
	const upstreams: Record<string, { executorOf: (connection: Connection) => Executor; fetch: Fetch }> = {
		'REST, binary': {
			executorOf: (connection) => oipUpstream({ upstream: { name: 'triton', url: triton.url, binary: true }, ...connection }),
			fetch: (address, init) => fetch(address, init),
		},
		'REST, JSON': {
			executorOf: (connection) => oipUpstream({ upstream: { name: 'triton', url: triton.url, binary: false }, ...connection }),
			fetch: (address, init) => fetch(address, init),
		},
		gRPC: {
			executorOf: (connection) => oipGrpcUpstream({ upstream: { name: 'triton', url: triton.grpcUrl }, ...connection }),
			fetch: (address, init) => pool.fetch(address, init),
		},
	}

	for (const [protocol, { executorOf, fetch }] of Object.entries(upstreams)) {
		executorContract(`a Triton, asked over ${protocol}`, {
			async make() {
				let sent = 0
				const counted: Fetch = (address, init) => {
					sent++
					return fetch(address, init)
				}
				const executor = executorOf({ key: undefined, model: await tinyModel(), environment: {}, fetch: counted })
				return { ...tinySubject, executor, hold: triton.hold, sent: () => sent }
			},
		})

		test(`${protocol}: a model that it does not have is this edge's fault`, async () => {
			const model = { ...(await tinyModel()), remote: { name: 'nope' } }
			const executor = executorOf({ key: undefined, model, environment: {}, fetch })
			await expect(executor.infer(tinySubject.call(), context())).rejects.toMatchObject({ code: 'upstream', message: /nope/ })
		})
	}

	test('says that it is up', async () => {
		const asked = { key: undefined, hops: 0, environment: {} }
		expect(await isOipUp({ ...asked, upstream: { url: triton.url } })).toBe(true)
		expect(await isGrpcUp({ ...asked, upstream: { url: triton.grpcUrl }, fetch: pool.fetch })).toBe(true)
	})
})
