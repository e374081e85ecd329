// One of three upstreams dies and comes back under load, on both platforms: no client sees an error that a retry could have hidden.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EdgeConfigInput } from '../../edge/config/schema.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, encodeResponse, headerLengthName } from '../../runtime/remote/oip.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { startNode } from './harness/node.ts'
import { startWorkerd } from './harness/workerd.ts'
import { expectedNumbers, keys, suiteConfig, suiteModels } from './suites/under-test.ts'

/** A server of the Open Inference Protocol that answers `tiny`, and counts. */
class Upstream {
	calls = 0
	#server: Server | undefined
	#port = 0

	get url(): string {
		return `http://127.0.0.1:${this.#port}`
	}

	/** On the same port each time. */
	async start(): Promise<void> {
		const server = createServer(async (request, response) => {
			const parts: Buffer[] = []
			for await (const part of request) parts.push(part as Buffer)
			if (request.method === 'GET') return response.end()
			this.calls++
			const asked = decodeRequest(Buffer.concat(parts), (request.headers[headerLengthName] as string | undefined) ?? null)
			const y = tensor('FP32', [1, 3], Float32Array.from(expectedNumbers))
			const { body, headers } = encodeResponse({ model: 'tiny', version: '1', outputs: { y } }, asked)
			setTimeout(() => response.writeHead(200, { ...headers, 'content-length': body.byteLength }).end(body), 10)
		})
		await once(server.listen(this.#port, '127.0.0.1'), 'listening')
		this.#port = (server.address() as AddressInfo).port
		this.#server = server
	}

	/** In the middle of its calls. */
	async kill(): Promise<void> {
		const server = this.#server
		this.#server = undefined
		if (!server) return
		server.close()
		server.closeAllConnections()
		await once(server, 'close')
	}
}

const upstreams = [new Upstream(), new Upstream(), new Upstream()]
let packed: PackedFolder
let config: EdgeConfigInput

beforeAll(async () => {
	packed = await packModels(suiteModels())
	await Promise.all(upstreams.map((upstream) => upstream.start()))
	config = {
		...suiteConfig,
		models: { tiny: { inProcess: false } },
		upstreams: upstreams.map(({ url }, at) => ({ name: `gpu-${at}`, kind: 'oip' as const, url, models: { tiny: {} } })),
	}
})
afterAll(async () => {
	await Promise.all(upstreams.map((upstream) => upstream.kill()))
	await packed?.remove()
})

const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] })

/** Asks until `over`; gives what was answered, by status and words. */
async function client(url: string, over: () => boolean): Promise<Map<string, number>> {
	const seen = new Map<string, number>()
	while (!over()) {
		const response = await fetch(`${url}/v2/models/tiny/infer`, {
			method: 'POST',
			headers: { authorization: `Bearer ${keys.secret}` },
			body,
		})
		const answer = (await response.json()) as { outputs?: { data: number[] }[]; detail?: string }
		const what = `${response.status} ${answer.outputs?.[0]?.data ?? answer.detail}`
		seen.set(what, (seen.get(what) ?? 0) + 1)
	}
	return seen
}

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

describe.each([
	['Node', startNode],
	['workerd', startWorkerd],
] as const)('on %s', (_, start) => {
	test('an upstream is killed, and comes back, while clients call', async () => {
		const edge = await start({ config, models: packed.folder })
		try {
			let over = false
			const clients = Array.from({ length: 12 }, () => client(edge.url, () => over))
			const [dying, ...others] = upstreams as [Upstream, ...Upstream[]]
			await wait(700)
			expect(dying.calls).toBeGreaterThan(0)
			await dying.kill()
			const before = others.map(({ calls }) => calls)
			await wait(1_000)
			others.forEach((other, at) => {
				expect(other.calls).toBeGreaterThan(before[at] as number)
			})
			await dying.start()
			const { calls } = dying
			await expect.poll(() => dying.calls, { timeout: 15_000 }).toBeGreaterThan(calls + 20)
			over = true
			const seen = new Map<string, number>()
			for (const each of await Promise.all(clients)) for (const [what, times] of each) seen.set(what, (seen.get(what) ?? 0) + times)
			expect([...seen.keys()]).toEqual([`200 ${expectedNumbers}`])
		} finally {
			await edge.close()
		}
	})
})
