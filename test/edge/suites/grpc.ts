// gRPC-Web and Connect: the same services as over native gRPC, on every platform.

import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web'
import { describe, expect, test } from 'vitest'
import { readTensors, writeTensors } from '../../../edge/protocols/grpc/inference/tensors.ts'
import { ErrorInfoSchema, RetryInfoSchema } from '../../../edge/protocols/grpc/proto/google/rpc/error_details_pb.ts'
import { Health, HealthCheckResponse_ServingStatus as Serving } from '../../../edge/protocols/grpc/proto/grpc/health/v1/health_pb.ts'
import {
	GRPCInferenceService,
	ModelInferRequestSchema,
	ModelInferResponseSchema,
} from '../../../edge/protocols/grpc/proto/inference/open_inference_grpc_pb.ts'
import type { Tensors } from '../../../runtime/core/tensor.ts'
import { type Recorded, recorded, send } from '../harness/recorded.ts'
import { call, type EdgeUnderTest, expectedNumbers, keys, pageOrigin } from './under-test.ts'

const path = '/inference.GRPCInferenceService/ModelInfer'
const x = { name: 'x', datatype: 'FP32', shape: [1n, 4n] }
const raw = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)
const request = { modelName: 'tiny', id: 'one', inputs: [x], rawInputContents: [raw] }
const numbers = (bytes: Uint8Array | undefined) => Array.from(new Float32Array(new Uint8Array(bytes ?? []).buffer))

/** A message with its prefix. */
const enveloped = (bytes: Uint8Array, flags = 0) => {
	const head = Buffer.alloc(5)
	head[0] = flags
	head.writeUInt32BE(bytes.byteLength, 1)
	return new Uint8Array(Buffer.concat([head, bytes]))
}

/** The message and the trailers of a body of gRPC-Web. */
function parted(body: Uint8Array): { output: readonly number[]; trailers: string } {
	const bytes = Buffer.from(body)
	const length = bytes.readUInt32BE(1)
	if (bytes[0] === 0x80) return { output: [], trailers: bytes.subarray(5).toString() }
	const { rawOutputContents } = fromBinary(ModelInferResponseSchema, bytes.subarray(5, 5 + length))
	return { output: numbers(rawOutputContents[0]), trailers: bytes.subarray(10 + length).toString() }
}

/** Sends tensors by gRPC-Web, and gives the outputs. @param asBytes raw contents, or numbers. */
export const modelInfer =
	(asBytes: boolean) =>
	async (edge: EdgeUnderTest, modelName: string, inputs: Tensors): Promise<Tensors> => {
		const client = createClient(GRPCInferenceService, createGrpcWebTransport({ baseUrl: edge.url, useBinaryFormat: true }))
		const { described, raw } = writeTensors(Object.entries(inputs), asBytes)
		const headers = { authorization: `Bearer ${keys.secret}` }
		const answer = await client.modelInfer({ modelName, inputs: described, rawInputContents: raw }, { headers, timeoutMs: 20_000 })
		expect(answer.rawOutputContents.length > 0).toBe(asBytes)
		return readTensors(answer.outputs, answer.rawOutputContents, 'upstream')
	}

export function grpcSuite(edge: () => EdgeUnderTest): void {
	const transports: Record<string, () => Transport> = {
		'gRPC-Web': () => createGrpcWebTransport({ baseUrl: edge().url, useBinaryFormat: true }),
		Connect: () => createConnectTransport({ baseUrl: edge().url, useBinaryFormat: true }),
		'Connect with JSON': () => createConnectTransport({ baseUrl: edge().url, useBinaryFormat: false }),
	}
	const withKey = (key = keys.secret) => ({ headers: { authorization: `Bearer ${key}` }, timeoutMs: 20_000 })
	const errorOf = (promise: Promise<unknown>) =>
		promise.then(
			() => {
				throw new Error('answered')
			},
			(error) => ConnectError.from(error),
		)

	describe.each(Object.keys(transports))('%s', (name) => {
		const client = () => createClient(GRPCInferenceService, (transports[name] as () => Transport)())

		test('infers, and tells where', async () => {
			let headers = new Headers()
			const { id, rawOutputContents } = await client().modelInfer(request, { ...withKey(), onHeader: (got) => (headers = got) })
			expect([id, rawOutputContents.map(numbers)]).toEqual(['one', [expectedNumbers]])
			expect(JSON.parse(headers.get('spillway-ran') ?? '')).toMatchObject({ executor: 'edge', model: 'tiny' })
			const inputs = [{ ...x, contents: { fp32Contents: [1, 2, 3, 4] } }]
			const { outputs } = await client().modelInfer({ ...request, inputs, rawInputContents: [] }, withKey())
			expect(outputs[0]?.contents?.fp32Contents).toEqual(expectedNumbers)
		})

		test('health and metadata need no key', async () => {
			expect(await client().serverReady({})).toMatchObject({ ready: true })
			expect(await client().modelMetadata({ name: 'tiny' })).toMatchObject({ versions: ['1.0.0'], inputs: [x] })
			const health = createClient(Health, (transports[name] as () => Transport)())
			expect(await health.check({ service: 'tiny' })).toMatchObject({ status: Serving.SERVING })
			// A stream, left after its first message.
			for await (const { status } of health.watch({ service: 'tiny' }, { timeoutMs: 20_000 })) {
				expect(status).toBe(Serving.SERVING)
				break
			}
		})

		test('refuses with a status, and says why in the details', async () => {
			const nope = await errorOf(client().modelInfer({ ...request, modelName: 'nope' }, withKey()))
			expect([nope.code, nope.rawMessage]).toEqual([Code.NotFound, expect.stringMatching(/nope/)])
			expect(nope.findDetails(ErrorInfoSchema)).toMatchObject([
				{ reason: 'NOT_FOUND', domain: 'spillway', metadata: { code: 'not-found' } },
			])
			expect((await errorOf(client().modelInfer(request))).code).toBe(Code.Unauthenticated)
			expect((await errorOf(client().modelInfer(request, withKey(keys.metrics)))).code).toBe(Code.PermissionDenied)
			expect((await errorOf(client().modelInfer({ ...request, rawInputContents: [] }, withKey()))).code).toBe(Code.InvalidArgument)
			const large = { ...request, rawInputContents: [new Uint8Array(300_000)] }
			expect((await errorOf(client().modelInfer(large, withKey()))).code).toBe(Code.ResourceExhausted)
		})
	})

	test('who has no key sends little', async () => {
		const client = createClient(GRPCInferenceService, (transports.Connect as () => Transport)())
		expect((await errorOf(client.modelReady({ name: 'x'.repeat(70_000) }))).code).toBe(Code.ResourceExhausted)
		const unknown = await errorOf(client.modelReady({ name: 'x'.repeat(60_000) }))
		expect(unknown.code).toBe(Code.NotFound)
		expect(unknown.message.length).toBeLessThan(1_000)
		const health = createClient(Health, (transports.Connect as () => Transport)())
		expect((await errorOf(health.check({ service: 'x'.repeat(70_000) }))).code).toBe(Code.ResourceExhausted)
	})

	test('a refusal before its turn tells when to come back', async () => {
		const client = createClient(GRPCInferenceService, (transports.Connect as () => Transport)())
		const refused: ConnectError[] = []
		// The quota may have been taken by another suite.
		for (let i = 0; i < 4; i++)
			await client.modelInfer(request, withKey(keys.limited)).catch((error) => refused.push(ConnectError.from(error)))
		const [first] = refused
		expect(first?.code).toBe(Code.ResourceExhausted)
		expect(first?.findDetails(RetryInfoSchema)).toHaveLength(1)
		expect(Number(first?.metadata.get('retry-after'))).toBeGreaterThan(0)
	})

	describe('requests of real clients', () => {
		test('grpc-web of npm, in binary and as text', async () => {
			const binary = await send(edge().url, recorded('grpc_web_binary')[0] as Recorded)
			expect(binary).toMatchObject({ status: 200, headers: { 'content-type': 'application/grpc-web+proto' } })
			expect(parted(binary.body)).toEqual({ output: expectedNumbers, trailers: expect.stringMatching(/^grpc-status: 0\r\n/) })
			const sent = recorded('grpc_web_text')[0] as Recorded
			const text = await send(edge().url, { ...sent, path })
			expect(text).toMatchObject({ status: 200, headers: { 'content-type': expect.stringMatching(/^application\/grpc-web-text/) } })
			// Each piece is base64 of its own.
			const bytes = Buffer.concat(
				text.body
					.toString()
					.match(/[^=]+=*/g)
					?.map((piece) => Buffer.from(piece, 'base64')) ?? [],
			)
			expect(parted(bytes)).toEqual({ output: expectedNumbers, trailers: expect.stringMatching(/^grpc-status: 0\r\n/) })
		})

		test('connect-web: Connect and gRPC-Web', async () => {
			const sent = recorded('connect_web_connect')[0] as Recorded
			const answer = await send(edge().url, { ...sent, path }, ['authorization', 'Bearer k'])
			expect(JSON.parse(answer.body.toString())).toMatchObject({ modelName: 'tiny', outputs: [{ name: 'y', shape: ['1', '3'] }] })
			const refused = await send(edge().url, { ...sent, path })
			expect([refused.status, JSON.parse(refused.body.toString())]).toEqual([401, expect.objectContaining({ code: 'unauthenticated' })])
			const web = await send(edge().url, recorded('connect_web_grpcweb')[0] as Recorded)
			expect(parted(web.body).output).toEqual(expectedNumbers)
		})
	})

	test('compressed messages are taken, within the limit', async () => {
		const message = (bytes: number) =>
			gzipSync(
				toBinary(
					ModelInferRequestSchema,
					create(ModelInferRequestSchema, { ...request, ...(bytes > 0 && { rawInputContents: [new Uint8Array(bytes)] }) }),
				),
			)
		const post = async (bytes: number) => {
			const headers = { 'content-type': 'application/grpc-web+proto', 'grpc-encoding': 'gzip' }
			const response = await call(edge(), path, { key: keys.secret, method: 'POST', body: enveloped(message(bytes), 1), headers })
			return parted(new Uint8Array(await response.arrayBuffer()))
		}
		expect((await post(0)).output).toEqual(expectedNumbers)
		expect((await post(1_000_000)).trailers).toMatch(/grpc-status: 8\r\n/)
	})

	test('what is no message is refused', async () => {
		const headers = { 'content-type': 'application/grpc-web+proto' }
		const post = async (body: Uint8Array<ArrayBuffer>) => {
			const response = await call(edge(), path, { key: keys.secret, method: 'POST', body, headers })
			return response.headers.get('grpc-status') ?? parted(new Uint8Array(await response.arrayBuffer())).trailers
		}
		expect(await post(enveloped(Buffer.from('no message at all')))).not.toMatch(/^grpc-status: 0/)
		expect(await post(new Uint8Array([0, 0, 0, 1, 0, 7]))).not.toMatch(/^grpc-status: 0/)
		expect(await post(new Uint8Array())).not.toMatch(/^grpc-status: 0/)
	})

	test('a message that stops half-way is refused when its time is over', async () => {
		const { hostname, port } = new URL(edge().url)
		const head = [
			`POST ${path} HTTP/1.1`,
			'host: x',
			`authorization: Bearer ${keys.secret}`,
			'content-type: application/grpc-web+proto',
			'grpc-timeout: 300m',
			'content-length: 100',
			'',
			'half',
		].join('\r\n')
		const answer = await new Promise<string>((resolve, reject) => {
			const stalled = connect(Number(port), hostname, () => stalled.write(head))
			stalled.setTimeout(10_000, () => stalled.destroy(new Error('no answer')))
			stalled.on('data', (data) => {
				if (!String(data).includes('grpc-status')) return
				stalled.destroy()
				resolve(String(data))
			})
			stalled.on('error', reject)
		})
		expect(answer).toMatch(/grpc-status: 4\r\n/)
	})

	test('native gRPC without HTTP/2 is told where to go; unknown methods and types are refused', async () => {
		const native = await call(edge(), path, { method: 'POST', headers: { 'content-type': 'application/grpc' }, body: new Uint8Array() })
		expect(native.headers.get('grpc-status')).toBe('12')
		expect(decodeURIComponent(native.headers.get('grpc-message') ?? '')).toMatch(/gRPC-Web/)
		const unknown = await call(edge(), '/inference.GRPCInferenceService/Nope', { json: {} })
		expect([unknown.status, await unknown.json()]).toEqual([404, { code: 'not_found', message: expect.any(String) }])
		expect((await call(edge(), path, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' })).status).toBe(415)
		expect((await call(edge(), path)).status).toBe(405)
	})

	test('pages of other origins may read statuses', async () => {
		const response = await call(edge(), path, { json: { modelName: 'tiny' }, headers: { origin: pageOrigin } })
		expect(response.headers.get('access-control-allow-origin')).toBe('*')
		expect(response.headers.get('access-control-expose-headers')).toMatch(/Grpc-Status,Grpc-Message/)
	})

	test('the proto files are served, as they import one another', async () => {
		const { services, files } = await (await call(edge(), '/proto')).json()
		expect(services).toContain(GRPCInferenceService.typeName)
		expect(files).toContain('inference/open_inference_grpc.proto')
		for (const file of files) {
			const response = await call(edge(), `/proto/${file}`)
			expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/plain/)])
			expect(await response.text()).toMatch(/^syntax = "proto3";$/m)
		}
		expect((await call(edge(), '/proto/nope.proto')).status).toBe(404)
	})
}
