// The executor contract, held by upstreams of a declared mapping and by each of its presets, before a server of their wire format.

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { kindOf, type UpstreamConfig, upstreamSchema } from '../../edge/upstreams/kinds.ts'
import { executorContract } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { tinyModel, tinySubject } from './tiny-subject.ts'

/** Four numbers to three, as the model `tiny` does it. */
const product = (row: number[]) => [1, 10, 100].map((factor) => row.reduce((sum, value, at) => sum + value * (at + 1) * factor, 0))

/** How each server reads a request and writes its answer, by its own documentation. */
const servers: Record<string, { path: string; answer: (body: never) => unknown; settings?: object; environment?: Record<string, string> }> =
	{
		http: {
			path: '/run/tiny?v=2',
			answer: ({ data, dims }: { data: number[][]; dims: number[] }) => ({ result: { y: data.map(product), dims } }),
			settings: {
				path: '/run/{model}?v={version}',
				body: { data: '$input.x', dims: '$shape.x', type: '$datatype.x', note: '$$not a name' },
				outputs: { y: '/result/y' },
				models: { tiny: { version: '2' } },
			},
		},
		torchserve: {
			path: '/predictions/tiny/1.0',
			answer: ({ instances }: { instances: number[][] }) => ({ predictions: instances.map(product) }),
			settings: { models: { tiny: { version: '1.0' } } },
		},
		'ray-serve': { path: '/tiny', answer: ({ x: rows }: { x: number[][] }) => ({ y: rows.map(product) }) },
		sagemaker: {
			path: '/endpoints/tiny/invocations',
			answer: ({ instances }: { instances: number[][] }) => ({ predictions: instances.map(product) }),
			settings: { region: 'eu-west-1' },
			environment: { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' },
		},
		azureml: { path: '/score', answer: ({ input_data: { x: rows } }: { input_data: { x: number[][] } }) => rows.map(product) },
	}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
	const parts: Buffer[] = []
	for await (const part of request) parts.push(part as Buffer)
	return JSON.parse(Buffer.concat(parts).toString())
}

for (const [kind, { path, answer, settings = {}, environment = {} }] of Object.entries(servers)) {
	executorContract(kind, {
		async make() {
			const gate = makeGate()
			const server = createServer(async (request, response) => {
				const body = await bodyOf(request).catch(() => undefined)
				if (body === undefined) return
				await gate.passed()
				if (request.url !== path) return response.writeHead(404).end()
				response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(body as never)))
			})
			await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
			const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
			const upstream = upstreamSchema.parse({ kind, name: 'there', url, models: { tiny: {} }, ...settings }) as UpstreamConfig
			let sent = 0
			const executor = kindOf(upstream).executor({
				upstream: upstream as never,
				key: 'k',
				model: { ...(await tinyModel()), remote: { ...upstream.models.tiny, name: 'tiny' } },
				environment,
				fetch: (address, init) => {
					sent++
					return fetch(address, init)
				},
			})
			return {
				...tinySubject,
				executor,
				hold: gate.close,
				sent: () => sent,
				async close() {
					server.closeAllConnections()
					await new Promise((resolve) => server.close(resolve))
				},
			}
		},
	})
}
