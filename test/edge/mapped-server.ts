// A server whose answers the tests decide, as an upstream of a declared mapping, and a model with two inputs and two outputs for it.

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { kindOf, type UpstreamConfig, upstreamSchema } from '../../edge/upstreams/kinds.ts'
import type { UpstreamModel } from '../../edge/upstreams/upstream.ts'
import type { TensorsCall } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { context } from './harness/minilm.ts'

export interface Seen {
	readonly method: string
	readonly path: string
	readonly headers: IncomingHttpHeaders
	readonly body: Buffer
}

/** Two inputs and two outputs along one axis. */
export const pair: UpstreamModel = {
	name: 'pair',
	version: '1',
	interface: {
		task: { kind: 'embed', dimensions: 2 },
		inputs: [
			{ name: 'a', datatype: 'INT64', shape: ['batch', 2] },
			{ name: 'b', datatype: 'FP32', shape: ['batch'] },
		],
		outputs: [
			{ name: 'y', datatype: 'FP32', shape: ['batch', 2] },
			{ name: 'n', datatype: 'INT32', shape: ['batch'] },
		],
		axes: {},
	},
	remote: { name: 'pair there', version: '7' },
	variant: undefined,
	space: 'pair@1',
}
export const call: TensorsCall = {
	kind: 'tensors',
	model: { name: 'pair' },
	tensors: { a: tensor('INT64', [2, 2], BigInt64Array.of(1n, 2n, 3n, 4n)), b: tensor('FP32', [2], Float32Array.of(0.5, -0)) },
}

/** What the server may answer, bare, and what is made of it: shapes and data. */
export const right = {
	y: [
		[1, 2],
		[3, 4],
	],
	n: [5, 6],
}
export const expected = {
	y: [
		[2, 2],
		[1, 2, 3, 4],
	],
	n: [[2], [5, 6]],
}

interface MakeOptions {
	readonly model?: UpstreamModel
	readonly environment?: Readonly<Record<string, string>>
	readonly key?: string
}

export class MappedServer {
	/** The last request. */
	seen: Seen | undefined
	handle: (response: ServerResponse, seen: Seen) => void = (response) => response.writeHead(404).end()
	readonly #server = createServer(async (request, response) => {
		const parts: Buffer[] = []
		for await (const part of request) parts.push(part as Buffer)
		this.seen = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts) }
		this.handle(response, this.seen)
	})

	listen = () => new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))

	close() {
		this.#server.closeAllConnections()
		this.#server.close()
	}

	get url(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
	}

	/** From now on, answers that. */
	answerWith(body: unknown): void {
		this.handle = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
	}

	/** The last request's body. */
	asked = () => JSON.parse(this.seen?.body.toString() ?? '')

	/** The executor of an upstream that is this server. */
	make(settings: object, { model = pair, environment = {}, key }: MakeOptions = {}): Executor {
		const upstream = upstreamSchema.parse({ name: 'there', url: `${this.url}/base/`, models: { pair: {} }, ...settings }) as UpstreamConfig
		return kindOf(upstream).executor({ upstream: upstream as never, key, model, environment })
	}

	/** What comes of an answer. */
	async outputs(settings: object, body: unknown, options?: MakeOptions) {
		this.answerWith(body)
		const { output } = await this.make(settings, options).infer(call, context())
		if (output.kind !== 'tensors') throw new Error('no tensors')
		const all = Object.entries(output.tensors)
		return Object.fromEntries(all.map(([name, { shape, data }]) => [name, [shape, Array.from(data as Float32Array)]]))
	}
}
