// Upstreams over gRPC: the executor contract, held by another edge, and what servers do wrong.

import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { create, toBinary } from '@bufbuild/protobuf'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { checkConfig } from '../../edge/config/load.ts'
import { grpcPool } from '../../edge/platform/node/grpc-pool.ts'
import { ModelInferResponseSchema, ServerReadyResponseSchema } from '../../edge/protocols/grpc/proto/inference/open_inference_grpc_pb.ts'
import { isUp } from '../../edge/upstreams/oip-grpc/health.ts'
import { oipGrpcUpstream } from '../../edge/upstreams/oip-grpc/upstream.ts'
import type { UpstreamModel } from '../../edge/upstreams/upstream.ts'
import type { Call } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { executorContract } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { packed } from '../runtime/tiny.ts'
import { startLocalGrpc } from './grpc-native.ts'
import { expectedNumbers, keys, suiteModels } from './suites/under-test.ts'
import { upstreamModel } from './upstream-model.ts'

const x = () => tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
const call = (model = {}): Call => ({ kind: 'tensors', model: { name: 'tiny', ...model }, tensors: { x: x() } })
const wrong = (tensors: Record<string, unknown>): Call => ({ kind: 'tensors', model: { name: 'tiny' }, tensors: tensors as never })

async function tiny(): Promise<UpstreamModel> {
	const [, source] = suiteModels()
	if (!source) throw new Error('no model')
	return upstreamModel(await packed(source.description, source.files))
}

executorContract('an upstream over gRPC', {
	async make() {
		const gate = makeGate()
		const edge = await startLocalGrpc({
			replace: ({ executor }) => ({ ...executor, infer: (call, context) => gate.passed().then(() => executor.infer(call, context)) }),
		})
		const pool = grpcPool()
		let sent = 0
		const executor = oipGrpcUpstream({
			upstream: { name: 'gpu', url: edge.url },
			key: keys.secret,
			model: await tiny(),
			environment: {},
			fetch: (url, init) => {
				sent++
				return pool.fetch(url, init)
			},
		})
		return {
			executor,
			call,
			check(output) {
				if (output.kind !== 'tensors' || String(output.tensors.y?.data) !== String(expectedNumbers)) throw new Error('a wrong answer')
			},
			wrong: {
				'no tensor': wrong({}),
				'another name': wrong({ z: x() }),
				'one too many': wrong({ x: x(), z: x() }),
				'another shape': wrong({ x: tensor('FP32', [4, 1], x().data) }),
				'another datatype': wrong({ x: tensor('FP64', [1, 4], new Float64Array(4)) }),
				'no tensor at all': wrong({ x: null }),
			},
			hops: 1,
			hold: gate.close,
			sent: () => sent,
			async close() {
				await pool.close()
				await edge.close()
			},
		}
	},
})

describe('a server that fails', () => {
	let close = async () => {}
	const pool = grpcPool()
	afterEach(() => close())
	afterAll(() => pool.close())

	type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

	/** An upstream whose server does this with each call. */
	async function upstreamOf(handle: Handler, by = pool) {
		const server = createServer()
		const sessions = new Set<ServerHttp2Session>()
		server.on('session', (session) => sessions.add(session))
		server.on('stream', (stream, headers) => {
			stream.on('error', () => {})
			handle(stream, headers)
		})
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
		close = async () => {
			close = async () => {}
			for (const session of sessions) session.destroy()
			await new Promise<void>((resolve) => server.close(() => resolve()))
		}
		const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
		const options = { upstream: { name: 'gpu', url }, key: 'k', environment: {}, fetch: by.fetch }
		return { executor: oipGrpcUpstream({ ...options, model: await tiny() }), up: () => isUp({ ...options, hops: 0 }) }
	}

	const message = (bytes: Uint8Array, length = bytes.byteLength) => {
		const head = Buffer.alloc(5)
		head.writeUInt32BE(length, 1)
		return Buffer.concat([head, bytes])
	}
	/** Answers with a body, and trailers if there are any. */
	const answers =
		(body: Buffer, trailers?: Record<string, string>, headers: Record<string, string> = {}): Handler =>
		(stream) => {
			stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { waitForTrailers: trailers !== undefined })
			if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers))
			stream.end(body)
		}
	const ok = { 'grpc-status': '0' }
	const answer = (values: readonly number[], shape = [1n, 3n]) =>
		message(
			toBinary(
				ModelInferResponseSchema,
				create(ModelInferResponseSchema, {
					modelVersion: '7',
					outputs: [{ name: 'y', datatype: 'FP32', shape }],
					rawOutputContents: [new Uint8Array(Float32Array.from(values).buffer)],
				}),
			),
		)

	const infer = async (handle: Handler, more: { remaining?: number; signal?: AbortSignal } = {}) => {
		const { executor } = await upstreamOf(handle)
		return executor.infer(call(), { remaining: 5_000, signal: new AbortController().signal, hops: 0, retries: { left: 0 }, trace, ...more })
	}
	const trace = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`
	const codeOf = (promise: Promise<unknown>) =>
		promise.then(
			() => 'answered',
			(error) => error.code,
		)

	test('a right answer is taken, its key, time and hops having gone along', async () => {
		let sent: IncomingHttpHeaders = {}
		const { output, ran } = await infer((stream, headers) => {
			sent = headers
			answers(answer(expectedNumbers), ok)(stream, headers)
		})
		expect(output.kind === 'tensors' && Array.from(output.tensors.y?.data as Float32Array)).toEqual(expectedNumbers)
		expect(ran).toMatchObject({ executor: 'gpu', hops: 1 })
		expect(sent).toMatchObject({ ':path': '/inference.GRPCInferenceService/ModelInfer', authorization: 'Bearer k', 'spillway-hops': '1' })
		expect(sent['grpc-timeout']).toMatch(/^[45]\d{3}m$/)
	})

	test.each<[string, Handler, string]>([
		['refuses the key', answers(Buffer.alloc(0), { 'grpc-status': '16', 'grpc-message': 'no key' }), 'upstream'],
		['has no such model', answers(Buffer.alloc(0), { 'grpc-status': '5' }), 'upstream'],
		['is over its quota', answers(Buffer.alloc(0), { 'grpc-status': '8' }), 'rate-limited'],
		['is not available', answers(Buffer.alloc(0), { 'grpc-status': '14' }), 'unavailable'],
		['fails', answers(Buffer.alloc(0), { 'grpc-status': '13', 'grpc-message': 'CUDA' }), 'upstream'],
		['tells its error in the headers alone', answers(Buffer.alloc(0), undefined, { 'grpc-status': '14' }), 'unavailable'],
		['answers without a status', answers(answer(expectedNumbers)), 'network'],
		['answers with half a message', answers(message(Buffer.alloc(3), 100), ok), 'network'],
		['answers with garbage', answers(message(Buffer.from('garbage')), ok), 'upstream'],
		['answers with another shape', answers(answer([1, 2], [1n, 2n]), ok), 'upstream'],
		['answers with NaN', answers(answer([1, 2, Number.NaN]), ok), 'upstream'],
		['answers without outputs', answers(message(Buffer.alloc(0)), ok), 'upstream'],
		['breaks off', (stream) => stream.close(2), 'network'],
		['answers with huge headers', answers(answer(expectedNumbers), ok, { 'x-huge': 'x'.repeat(200_000) }), 'network'],
		[
			'breaks off in the middle',
			(stream) => {
				stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
				stream.write(message(Buffer.alloc(3), 100), () => stream.session?.destroy())
			},
			'network',
		],
		[
			'is a proxy with a page',
			(stream) => {
				stream.respond({ ':status': 502, 'content-type': 'text/html' })
				stream.end('<p>')
			},
			'upstream',
		],
	])('one that %s is an error', async (_, handle, code) => {
		expect(await codeOf(infer(handle))).toBe(code)
	})

	test('one that says nothing is waited for until the deadline, and told that nobody waits any more', async () => {
		let closed = false
		expect(
			await codeOf(
				infer(
					(stream) => {
						stream.on('close', () => {
							closed = true
						})
					},
					{ remaining: 300 },
				),
			),
		).toBe('deadline-exceeded')
		await expect.poll(() => closed).toBe(true)
	})

	test('one that answers byte by byte is waited for until the deadline', async () => {
		let dripping: ReturnType<typeof setInterval> | undefined
		const drip: Handler = (stream) => {
			stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
			dripping = setInterval(() => stream.writable && stream.write(Buffer.alloc(1)), 20)
		}
		expect(await codeOf(infer(drip, { remaining: 300 }))).toBe('deadline-exceeded')
		clearInterval(dripping)
	})

	test('a connection on which nothing comes gets no more calls', async () => {
		const sessions = new Set<unknown>()
		const own = grpcPool({ silence: 100 })
		const { executor } = await upstreamOf((stream, headers) => {
			sessions.add(stream.session)
			if (sessions.size > 1) answers(answer(expectedNumbers), ok)(stream, headers)
		}, own)
		const context = { hops: 0, retries: { left: 0 }, trace, signal: new AbortController().signal }
		expect(await codeOf(executor.infer(call(), { ...context, remaining: 200 }))).toBe('deadline-exceeded')
		expect(await codeOf(executor.infer(call(), { ...context, remaining: 5_000 }))).toBe('answered')
		await own.close()
	})

	test('one that is gone is an error, and up again when it is back', async () => {
		const ready = message(toBinary(ServerReadyResponseSchema, create(ServerReadyResponseSchema, { ready: true })))
		const { executor, up } = await upstreamOf(answers(ready, ok))
		expect(await up()).toBe(true)
		await close()
		expect(await up()).toBe(false)
		await executor.dispose()
	})
})

test('on workerd it is a fault of the configuration', async () => {
	const model = await tiny()
	expect(() => oipGrpcUpstream({ upstream: { name: 'gpu', url: 'http://gpu:8001' }, key: undefined, environment: {}, model })).toThrow(
		/Node/,
	)
	const upstream = { name: 'gpu', kind: 'oip-grpc', url: 'http://gpu:8001', models: { minilm: {} } }
	expect(checkConfig({ file: { upstreams: [upstream] } }).errors).toEqual([])
})
