// Native gRPC on Node, by @grpc/grpc-js.

import { fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Health, HealthCheckResponse_ServingStatus as Serving } from '../../edge/protocols/grpc/proto/grpc/health/v1/health_pb.ts'
import { ServerReflection } from '../../edge/protocols/grpc/proto/grpc/reflection/v1/reflection_pb.ts'
import { GRPCInferenceService, type ModelInferResponse } from '../../edge/protocols/grpc/proto/inference/open_inference_grpc_pb.ts'
import { bounded } from '../../runtime/core/deadline.ts'
import { makeGate } from '../contract/gate.ts'
import { valueIn } from './figures.ts'
import { type LocalGrpc, type NativeClient, nativeClient, startLocalGrpc } from './grpc-native.ts'
import { expectedNumbers, keys } from './suites/under-test.ts'

const { method } = GRPCInferenceService
const x = { name: 'x', datatype: 'FP32', shape: [1n, 4n] }
const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)
const asRaw = { modelName: 'tiny', id: 'one', inputs: [x], rawInputContents: [bytes(1, 2, 3, 4)] }
const asNumbers = { modelName: 'tiny', inputs: [{ ...x, contents: { fp32Contents: [1, 2, 3, 4] } }] }
const numbersOf = (raw: Uint8Array | undefined) => Array.from(new Float32Array(new Uint8Array(raw ?? []).buffer))

const gate = makeGate()
const seen: { signal?: AbortSignal; remaining?: number }[] = []
let edge: LocalGrpc
let client: NativeClient
beforeAll(async () => {
	edge = await startLocalGrpc({
		replace: ({ executor }) => ({
			...executor,
			infer: (call, context) => {
				seen.push(context)
				return bounded('the call', context, () => gate.passed()).then(() => executor.infer(call, context))
			},
		}),
	})
	client = nativeClient(`127.0.0.1:${edge.server.port}`)
})
afterAll(async () => {
	client?.close()
	await edge?.close()
})

describe('inference', () => {
	test('raw contents are answered raw, with id, version and provenance', async () => {
		const { output, metadata } = await client.call(method.modelInfer, asRaw)
		expect(output).toMatchObject({
			modelName: 'tiny',
			modelVersion: '1.0.0',
			id: 'one',
			outputs: [{ name: 'y', datatype: 'FP32', shape: [1n, 3n] }],
		})
		expect(output.rawOutputContents.map(numbersOf)).toEqual([expectedNumbers])
		expect(JSON.parse(String(metadata.get('spillway-ran')[0]))).toMatchObject({ executor: 'edge', model: 'tiny', version: '1.0.0' })
	})

	test('numbers are answered as numbers', async () => {
		const { output } = await client.call(method.modelInfer, asNumbers)
		expect(output.rawOutputContents).toEqual([])
		expect(output.outputs[0]?.contents?.fp32Contents).toEqual(expectedNumbers)
	})

	test.each([
		['an unknown model', { ...asRaw, modelName: 'nope' }, status.NOT_FOUND, /nope/],
		['an unknown version', { ...asRaw, modelVersion: '9' }, status.NOT_FOUND, /"9"/],
		['a wrong input', { ...asRaw, inputs: [{ ...x, name: 'z' }] }, status.INVALID_ARGUMENT, /"z"/],
		['too few bytes', { ...asRaw, rawInputContents: [bytes(1)] }, status.INVALID_ARGUMENT, /16 bytes/],
		[
			'numbers in the wrong field',
			{ ...asNumbers, inputs: [{ ...x, contents: { intContents: [1, 2, 3, 4] } }] },
			status.INVALID_ARGUMENT,
			/fp32_contents has 0/,
		],
		['an unknown output', { ...asRaw, outputs: [{ name: 'z' }] }, status.INVALID_ARGUMENT, /"z"/],
		['strings', { ...asRaw, inputs: [{ ...x, datatype: 'BYTES' }] }, status.UNIMPLEMENTED, /BYTES/],
		['a negative size', { ...asRaw, inputs: [{ ...x, shape: [-1n, 4n] }] }, status.INVALID_ARGUMENT, /shape/],
	])('%s is refused', async (_, request, code, words) => {
		const refused = client.call(method.modelInfer, request)
		await expect(refused).rejects.toMatchObject({ code, details: expect.stringMatching(words) })
	})

	test('an error tells its code in the details', async () => {
		const error = await client.call(method.modelInfer, { ...asRaw, modelName: 'nope' }).catch((thrown) => thrown)
		expect(String(error.metadata.get('grpc-status-details-bin')[0])).toMatch(/NOT_FOUND.*spillway.*not-found/s)
	})

	test('keys are metadata, and are checked before the input is read', async () => {
		await expect(client.call(method.modelInfer, asRaw, { key: null })).rejects.toMatchObject({ code: status.UNAUTHENTICATED })
		await expect(client.call(method.modelInfer, asRaw, { key: 'nope' })).rejects.toMatchObject({ code: status.UNAUTHENTICATED })
		await expect(client.call(method.modelInfer, asRaw, { key: keys.metrics })).rejects.toMatchObject({ code: status.PERMISSION_DENIED })
		await expect(client.call(method.modelInfer, asRaw, { key: null, headers: { 'x-api-key': keys.secret } })).resolves.toBeDefined()
	})

	test('a key over its quota is told when to come back', async () => {
		const few = () => client.call(method.modelInfer, asRaw, { key: keys.limited })
		for (let i = 0; i < 3; i++) await few()
		const error = await few().catch((thrown) => thrown)
		expect(error.code).toBe(status.RESOURCE_EXHAUSTED)
		expect(Number(error.metadata.get('retry-after')[0])).toBeGreaterThan(0)
	})

	test('a message over the limit is refused', async () => {
		const large = { ...asRaw, rawInputContents: [new Uint8Array(300_000)] }
		await expect(client.call(method.modelInfer, large)).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED })
	})

	test('the deadline of the call is that of the executor', async () => {
		await client.call(method.modelInfer, asRaw, { deadline: 5_000 })
		expect(seen.at(-1)?.remaining).toBeLessThanOrEqual(5_000)
		expect(seen.at(-1)?.remaining).toBeGreaterThan(1_000)
		const open = gate.close()
		await expect(client.call(method.modelInfer, asRaw, { deadline: 200 })).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED })
		open()
	})

	test('a call that its client gives up is given up', async () => {
		const open = gate.close()
		const abort = new AbortController()
		const calls = seen.length
		const given = client.call(method.modelInfer, asRaw, { signal: abort.signal })
		await expect.poll(() => seen.length).toBe(calls + 1)
		abort.abort()
		await expect(given).rejects.toMatchObject({ code: status.CANCELLED })
		await expect.poll(() => seen.at(-1)?.signal?.aborted).toBe(true)
		open()
	})
})

describe('streams', () => {
	test('answers come in order, errors in their place, each with its id', async () => {
		const stream = client.open(method.modelStreamInfer)
		for (const id of ['a', 'b', 'c']) stream.write({ ...asRaw, id, ...(id === 'b' && { modelName: 'nope' }) })
		stream.end()
		const answers = await stream.toArray()
		expect(answers.map(({ inferResponse, errorMessage }) => [inferResponse?.id, errorMessage])).toEqual([
			['a', ''],
			['b', expect.stringMatching(/nope/)],
			['c', ''],
		])
		const [first, second] = answers.map(({ inferResponse }) => inferResponse) as [ModelInferResponse, ModelInferResponse]
		expect(first.rawOutputContents.map(numbersOf)).toEqual([expectedNumbers])
		expect(JSON.parse(String(first.parameters.spillway_ran?.parameterChoice.value))).toMatchObject({ executor: 'edge' })
		expect(second.parameters.spillway_error?.parameterChoice.value).toBe('not-found')
	})

	test('an answer comes before the next request', async () => {
		const stream = client.open(method.modelStreamInfer)
		const answers = stream[Symbol.asyncIterator]()
		for (const id of ['a', 'b']) {
			stream.write({ ...asRaw, id })
			expect((await answers.next()).value).toMatchObject({ inferResponse: { id } })
		}
		stream.end()
		expect((await answers.next()).done).toBe(true)
	})

	test('each request counts in the metrics', async () => {
		const before = await edge.metrics()
		const stream = client.open(method.modelStreamInfer)
		for (const modelName of ['tiny', 'nope', 'tiny']) stream.write({ ...asRaw, modelName })
		stream.end()
		await stream.toArray()
		const gain = async (name: string, labels: Record<string, string>) =>
			valueIn(await edge.metrics(), name, labels) - valueIn(before, name, labels)
		expect(await gain('spillway_inferences_total', { model: 'tiny' })).toBe(2)
		expect(await gain('spillway_errors_total', { protocol: 'grpc', code: 'not-found' })).toBe(1)
	})

	test('each request counts against the quota of the key', async () => {
		const stream = client.open(method.modelStreamInfer, { key: keys.few })
		for (const id of ['a', 'b', 'c']) stream.write({ ...asRaw, id })
		stream.end()
		const answers = await stream.toArray()
		expect(answers.map(({ errorMessage }) => errorMessage)).toEqual(['', '', expect.stringMatching(/quota/)])
	})
})

describe('what tells of the services', () => {
	test('health and metadata need no key', async () => {
		const free = { key: null }
		expect((await client.call(method.serverLive, {}, free)).output.live).toBe(true)
		expect((await client.call(method.serverReady, {}, free)).output.ready).toBe(true)
		expect((await client.call(method.modelReady, { name: 'tiny' }, free)).output.ready).toBe(true)
		expect((await client.call(method.serverMetadata, {}, free)).output).toMatchObject({ name: 'spillway' })
		expect((await client.call(method.modelMetadata, { name: 'tiny' }, free)).output).toMatchObject({ versions: ['1.0.0'], inputs: [x] })
	})

	test('the health service knows the server, its services and its models', async () => {
		const check = async (service: string) => (await client.call(Health.method.check, { service }, { key: null })).output.status
		for (const name of ['', GRPCInferenceService.typeName, 'tiny']) expect(await check(name)).toBe(Serving.SERVING)
		await expect(check('nope')).rejects.toMatchObject({ code: status.NOT_FOUND })
		const watch = client.open(Health.method.watch, { key: null })
		watch.write({ service: 'tiny' })
		watch.end()
		const first = await watch[Symbol.asyncIterator]().next()
		expect(first.value).toMatchObject({ status: Serving.SERVING })
		watch.on('error', () => {}).cancel()
	})

	test('reflection gives the services and their files', async () => {
		const stream = client.open(ServerReflection.method.serverReflectionInfo, { key: null })
		stream.write({ messageRequest: { case: 'listServices', value: '' } })
		stream.write({ messageRequest: { case: 'fileContainingSymbol', value: 'inference.GRPCInferenceService.ModelInfer' } })
		stream.write({ messageRequest: { case: 'fileByFilename', value: 'nope.proto' } })
		stream.end()
		const [services, files, nope] = (await stream.toArray()).map(({ messageResponse }) => messageResponse)
		const listed = services?.case === 'listServicesResponse' ? services.value.service : []
		expect(listed.map((service: { name: string }) => service.name)).toContain(GRPCInferenceService.typeName)
		const [file] = files?.case === 'fileDescriptorResponse' ? files.value.fileDescriptorProto : []
		expect(fromBinary(FileDescriptorProtoSchema, file ?? new Uint8Array()).service[0]?.name).toBe('GRPCInferenceService')
		expect(nope?.case === 'errorResponse' && nope.value.errorCode).toBe(status.NOT_FOUND)
	})

	test('an unknown method is unimplemented', async () => {
		const unknown = { ...method.serverLive, name: 'Nope' } as typeof method.serverLive
		await expect(client.call(unknown, {})).rejects.toMatchObject({ code: status.UNIMPLEMENTED })
	})
})

test('at its end, calls under way are answered, and new ones are not taken', async () => {
	const own = await startLocalGrpc({
		replace: ({ executor }) => ({ ...executor, infer: (call, context) => gate.passed().then(() => executor.infer(call, context)) }),
	})
	const one = nativeClient(`127.0.0.1:${own.server.port}`)
	await one.call(method.serverLive, {})
	const open = gate.close()
	const underWay = one.call(method.modelInfer, asRaw)
	await new Promise((resolve) => setTimeout(resolve, 100))
	const ended = own.server.end(5_000)
	open()
	expect((await underWay).output.id).toBe('one')
	one.close()
	await ended
	const late = nativeClient(`127.0.0.1:${own.server.port}`)
	await expect(late.call(method.serverLive, {}, { deadline: 2_000 })).rejects.toMatchObject({
		code: expect.toBeOneOf([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]),
	})
	late.close()
})
