// Servers of the Open Inference Protocol that are no edges.

import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { Call } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { encodeResponse } from '../../runtime/remote/oip.ts'
import { serverExecutor } from '../../runtime/remote/server.ts'
import { embed, errorOf, serve, space } from './remote-edge.ts'
import { context } from './scripted.ts'

describe('other servers', () => {
	const x = { x: tensor('FP32', [1], Float32Array.of(1)) }
	const asked: Call = { kind: 'tensors', model: { name: 'minilm' }, tensors: x }
	const answer = (response: ServerResponse) => {
		const { body, headers } = encodeResponse({ model: 'm', version: '7', outputs: x }, { binaryOutput: true })
		response.writeHead(200, headers).end(body)
	}

	test('are called by the names they know, and answers tell what is known of them', async () => {
		const { address, received } = await serve(answer)
		const gpu = serverExecutor({
			name: 'gpu-a',
			address,
			serves: ({ name }) => (name === 'minilm' ? { name: 'minilm_onnx', version: '7', space, variant: 'int8' } : undefined),
		})
		const { ran: told, output } = await gpu.infer({ ...asked, model: { name: 'minilm', space } }, context())
		expect(received[0]?.url).toBe('POST /v2/models/minilm_onnx/versions/7/infer')
		expect(told).toMatchObject({ executor: 'gpu-a', model: 'minilm', version: '7', variant: 'int8', space, hops: 1, overflow: [] })
		expect(output).toEqual({ kind: 'tensors', tensors: x })
	})

	test('are not asked for what they do not have', async () => {
		const { address, received } = await serve(answer)
		const gpu = serverExecutor({ name: 'gpu-a', address, serves: ({ name }) => (name === 'minilm' ? { name } : undefined) })
		for (const one of [embed, { ...asked, model: { name: 'other' } }, { ...asked, model: { name: 'minilm', space } }]) {
			expect(gpu.estimate(one)).toMatchObject({ can: 'no', reason: 'unsupported' })
			expect((await errorOf(gpu.infer(one, context()))).code).toBe('unsupported')
		}
		expect(received).toHaveLength(0)
	})

	test.each([
		[401, 'unauthenticated'],
		[403, 'forbidden'],
		[404, 'not-found'],
		[413, 'too-large'],
		[429, 'rate-limited'],
		[500, 'upstream'],
		[400, 'upstream'],
		[503, 'unavailable'],
		[504, 'deadline-exceeded'],
	])('status %d is %s', async (status, code) => {
		const { address } = await serve((response) => response.writeHead(status).end('{"error":"because"}'))
		const error = await errorOf(serverExecutor({ name: 'gpu-a', address }).infer(asked, context()))
		expect(error).toMatchObject({ code, message: 'gpu-a: because' })
	})

	test('are sent JSON where they know no binary data', async () => {
		const { address, received } = await serve((response) => {
			const { body, headers } = encodeResponse({ model: 'm', version: null, outputs: x }, { binaryOutput: false })
			response.writeHead(200, headers).end(body)
		})
		const { output } = await serverExecutor({ name: 'mlserver', address, binary: false }).infer(asked, context())
		expect(output).toEqual({ kind: 'tensors', tensors: x })
		expect(JSON.parse(new TextDecoder().decode(received[0]?.body))).toEqual({
			inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }],
		})
	})

	test('an answer without outputs is none', async () => {
		const { address } = await serve((response) => response.end('{"model_name":"m","outputs":[]}'))
		expect((await errorOf(serverExecutor({ name: 'gpu-a', address }).infer(asked, context()))).code).toBe('upstream')
	})
})
