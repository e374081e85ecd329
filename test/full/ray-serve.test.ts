// A real Ray Serve as an upstream. test/full.mjs makes the Python that has it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rayServe } from '../../edge/upstreams/ray-serve/index.ts'
import { executorContract } from '../contract/executor.ts'
import { type Child, startChild } from '../edge/harness/child.ts'
import { context } from '../edge/harness/minilm.ts'
import { tinyModel, tinySubject } from '../edge/tiny-subject.ts'
import { root } from '../package/repository.ts'
import { freePort } from '../start/npm-start.ts'

const python = process.env.TEST_PYTHON_RAY

describe.skipIf(!python)('Ray Serve', () => {
	// Ray names sockets below it, whose paths must be short.
	const folder = mkdtempSync(join(tmpdir(), 'ray-'))
	const gate = join(folder, 'gate')
	let server: Child<string>
	let url: string

	beforeAll(async () => {
		const port = await freePort()
		url = `http://127.0.0.1:${port}`
		const args = [join(root, 'test', 'python', 'ray_server.py'), String(port), gate, folder]
		server = await startChild({
			command: python as string,
			args,
			readyFd: 1,
			ready: (line) => /^ready$/.exec(line)?.[0],
			patience: 180_000,
		})
	}, 200_000)
	afterAll(async () => {
		await server?.stop()
		rmSync(folder, { recursive: true, force: true })
	}, 30_000)

	const upstream = () => rayServe.schema.parse({ name: 'ray', kind: 'ray-serve', url, models: { tiny: {} } })

	executorContract('a Ray Serve', {
		async make() {
			let sent = 0
			const executor = rayServe.executor({
				upstream: upstream(),
				key: undefined,
				model: await tinyModel(),
				environment: {},
				fetch: (address, init) => {
					sent++
					return fetch(address, init)
				},
			})
			return { ...tinySubject, executor, hold: close, sent: () => sent }
		},
	})

	/** While the file is there, the model does not answer. */
	function close(): () => void {
		writeFileSync(gate, '')
		return () => rmSync(gate, { force: true })
	}

	test('says that it is up; an application that it does not have is this edge’s fault', async () => {
		expect(await rayServe.isUp({ upstream: upstream(), key: undefined, hops: 0, environment: {} })).toBe(true)
		const model = { ...(await tinyModel()), remote: { name: 'nope' } }
		const executor = rayServe.executor({ upstream: upstream(), key: undefined, model, environment: {} })
		await expect(executor.infer(tinySubject.call(), context())).rejects.toMatchObject({ code: 'upstream', message: /ray/ })
	})
})
