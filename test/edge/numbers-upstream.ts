// A server of the Open Inference Protocol that answers `tiny` and `js` of the suites, and can be killed in the middle of its calls.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, encodeResponse, headerLengthName } from '../../runtime/remote/oip.ts'
import { expectedNumbers } from './suites/under-test.ts'

export class NumbersUpstream {
	/** Calls so far, and the most that were under way at a time. */
	calls = 0
	most = 0
	#underWay = 0
	#server: Server | undefined
	#port = 0
	readonly #milliseconds: number

	/** @param milliseconds that each call takes. */
	constructor(milliseconds: number) {
		this.#milliseconds = milliseconds
	}

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
			this.most = Math.max(this.most, ++this.#underWay)
			const asked = decodeRequest(Buffer.concat(parts), (request.headers[headerLengthName] as string | undefined) ?? null)
			const y = tensor('FP32', [1, 3], Float32Array.from(expectedNumbers))
			const { body, headers } = encodeResponse({ model: 'tiny', version: '1', outputs: { y } }, asked)
			setTimeout(() => {
				this.#underWay--
				response.writeHead(200, { ...headers, 'content-length': body.byteLength }).end(body)
			}, this.#milliseconds)
		})
		await once(server.listen(this.#port, '127.0.0.1'), 'listening')
		this.#port = (server.address() as AddressInfo).port
		this.#server = server
	}

	async kill(): Promise<void> {
		const server = this.#server
		this.#server = undefined
		if (!server) return
		server.close()
		server.closeAllConnections()
		await once(server, 'close')
	}
}
