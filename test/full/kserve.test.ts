// A real KServe as an upstream: version 1 of its protocol (which is TensorFlow Serving's rows), version 2 over REST and over gRPC; and its
// own client.
// test/full.mjs makes the Python that has it.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { grpcPool } from '../../edge/platform/node/grpc-pool.ts'
import { isUp as isOipUp } from '../../edge/upstreams/oip/health.ts'
import { oipUpstream } from '../../edge/upstreams/oip/upstream.ts'
import { isUp as isGrpcUp } from '../../edge/upstreams/oip-grpc/health.ts'
import { oipGrpcUpstream } from '../../edge/upstreams/oip-grpc/upstream.ts'
import { isUp as isTfservingUp } from '../../edge/upstreams/tfserving/health.ts'
import { tfservingUpstream } from '../../edge/upstreams/tfserving/upstream.ts'
import type { UpstreamOptions } from '../../edge/upstreams/upstream.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import type { Fetch } from '../../runtime/remote/exchange.ts'
import { executorContract } from '../contract/executor.ts'
import { context } from '../edge/harness/minilm.ts'
import { tinyModel, tinySubject } from '../edge/tiny-subject.ts'
import { root } from '../package/repository.ts'
import { freePort } from '../start/npm-start.ts'

const python = process.env.TEST_PYTHON_KSERVE

type Connection = Omit<UpstreamOptions<unknown>, 'upstream'>

describe.skipIf(!python)('KServe', () => {
	const folder = mkdtempSync(join(tmpdir(), 'spillway-kserve-'))
	const gate = join(folder, 'gate')
	const pool = grpcPool()
	let server: ChildProcess
	let url: string
	let grpcUrl: string

	beforeAll(async () => {
		const ports = [await freePort(), await freePort()]
		url = `http://127.0.0.1:${ports[0]}`
		grpcUrl = `http://127.0.0.1:${ports[1]}`
		server = spawn(python ?? '', [join(root, 'test', 'python', 'kserve_server.py'), ...ports.map(String), gate], { stdio: 'ignore' })
		const up = async () => (await isOipUp({ upstream: { url }, key: undefined, hops: 0 })) && grpcUp(grpcUrl)
		while (!(await up())) await setTimeout(200)
	}, 120_000)
	afterAll(async () => {
		await pool.close()
		rmSync(folder, { recursive: true, force: true })
		if (!server || server.exitCode !== null) return
		server.kill('SIGKILL')
		await once(server, 'exit')
	})

	const grpcUp = (url: string) => isGrpcUp({ upstream: { url }, key: undefined, hops: 0, fetch: pool.fetch, environment: {} })
	const overHttp: Fetch = (address, init) => fetch(address, init)

	/** How it is asked, and by what. */
	const upstreams: Record<string, { executorOf: (connection: Connection) => Executor; fetch: Fetch }> = {
		'version 1': {
			executorOf: (connection) => tfservingUpstream({ upstream: { name: 'kserve', url, format: 'rows' }, ...connection }),
			fetch: overHttp,
		},
		'version 2, binary': {
			executorOf: (connection) => oipUpstream({ upstream: { name: 'kserve', url, binary: true }, ...connection }),
			fetch: overHttp,
		},
		'version 2, JSON': {
			executorOf: (connection) => oipUpstream({ upstream: { name: 'kserve', url, binary: false }, ...connection }),
			fetch: overHttp,
		},
		'version 2, gRPC': {
			executorOf: (connection) => oipGrpcUpstream({ upstream: { name: 'kserve', url: grpcUrl }, ...connection }),
			fetch: (address, init) => pool.fetch(address, init),
		},
	}

	for (const [protocol, { executorOf, fetch }] of Object.entries(upstreams)) {
		executorContract(`a KServe, asked in ${protocol}`, {
			async make() {
				let sent = 0
				const counted: Fetch = (address, init) => {
					sent++
					return fetch(address, init)
				}
				const executor = executorOf({ key: undefined, model: await tinyModel(), environment: {}, fetch: counted })
				return { ...tinySubject, executor, hold: close, sent: () => sent }
			},
		})

		test(`${protocol}: a model that it does not have is this edge's fault`, async () => {
			const model = { ...(await tinyModel()), remote: { name: 'nope' } }
			const executor = executorOf({ key: undefined, model, environment: {}, fetch })
			await expect(executor.infer(tinySubject.call(), context())).rejects.toMatchObject({ code: 'upstream', message: /kserve/ })
		})
	}

	/** While the file is there, the model does not answer. */
	function close(): () => void {
		writeFileSync(gate, '')
		return () => rmSync(gate, { force: true })
	}

	test('its own client gets the same bits from the edge of `npm start` in each form, and errors in words', async () => {
		const { url, key } = inject('edge')
		const script = join(root, 'test', 'python', 'kserve_client.py')
		const { stdout } = await promisify(execFile)(python ?? '', [script, url, key], { timeout: 60_000 })
		const got = JSON.parse(stdout) as Record<string, number[]>
		expect(got.ready).toEqual([true, true])
		const bits = (vector: number[] = []) => Array.from(new Uint32Array(Float32Array.from(vector).buffer))
		expect(got.v1).toHaveLength(384)
		for (const form of ['v2 JSON', 'v2 binary']) expect(bits(got[form]), form).toEqual(bits(got.v1))
		expect(got['unknown model']).toEqual([404, expect.stringContaining('nope')])
		expect(got['wrong input']).toEqual([400, expect.stringContaining('nope')])
		expect(got['no key']).toEqual([401, expect.stringMatching(/API key/)])
	})

	test('says that it is up, and of a model that it is not', async () => {
		const v1 = (name: string) => isTfservingUp({ upstream: { url, models: { tiny: { name } } }, key: undefined, hops: 0 })
		expect([await v1('tiny'), await v1('nope')]).toEqual([true, false])
	})
})
