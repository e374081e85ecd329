// What the HTTP suites need of an edge, whatever it runs on: its address, and the configuration and models to start it with.

import { createHash } from 'node:crypto'
import type { EdgeConfigInput } from '../../../edge/config/schema.ts'
import type { Description } from '../../../models/format/manifest.ts'
import { toTensorData } from '../../../models/format/tensor-data.ts'
import { GraphBuilder } from '../../../models/tools/onnx/graph.ts'
import { float32 } from '../../../models/tools/onnx/tensor.ts'
import { tensor } from '../../../runtime/core/tensor.ts'
import { filesOf, textDescription } from '../../runtime/tiny.ts'

export interface EdgeUnderTest {
	/** Base address under a loopback name, without a slash at the end. */
	readonly url: string
	/** `spaceOf` the model `m` as it is served. */
	readonly space: string
}

/** The recorded clients used the first two. */
export const keys = {
	secret: 'sk-test',
	other: 'k',
	/** Good for pages of {@link pageOrigin}. */
	publishable: 'pk_of_a_page',
	/** Good for servers and, over loopback, for pages of any origin. */
	demo: 'pk_demo',
	/** 3 requests a minute. */
	limited: 'sk_limited',
	/** 2 requests a minute, used by one test. */
	few: 'sk_few',
	metrics: 'sk_metrics',
}

export const pageOrigin = 'https://app.example.com'

const hash = (key: string) => createHash('sha256').update(key).digest('hex')

/** The configuration that the tests share; the harness may add where models are and what to listen on. */
export const suiteConfig = {
	models: { m: {}, tiny: {}, js: {} },
	keys: [
		{ id: 'secret', hash: hash(keys.secret), kind: 'secret' },
		{ id: 'other', hash: hash(keys.other), kind: 'secret' },
		{ id: 'page', hash: hash(keys.publishable), kind: 'publishable', origins: [pageOrigin] },
		{ id: 'demo', hash: hash(keys.demo), kind: 'publishable', loopback: true, servers: true },
		{ id: 'limited', hash: hash(keys.limited), kind: 'secret', requestsPerMinute: 3 },
		{ id: 'few', hash: hash(keys.few), kind: 'secret', requestsPerMinute: 2 },
		{ id: 'metrics', hash: hash(keys.metrics), kind: 'secret', scopes: ['metrics'] },
	],
	limits: { bodyBytes: 256 * 1024, textsPerCall: 64, charactersPerText: 10_000 },
	metrics: { access: 'key' },
} satisfies EdgeConfigInput

/** What the suites expect: their models, and the one that answers where a path names none. */
export const suitesConfig = { ...suiteConfig, container: { model: 'tiny' } } satisfies EdgeConfigInput

/** Models as the recorded clients call them: `m` embeds texts, `tiny` and `js` take four numbers and give three. */
export function suiteModels(): { description: Description; files: Record<string, Uint8Array> }[] {
	const text = textDescription()
	const numbers = (model: string) => ({ description: numbersDescription(model), files: { 'graph.onnx': numbersGraph() } })
	return [{ description: { ...text, model: 'm' }, files: filesOf(text) }, numbers('tiny'), numbers('js')]
}

/** y = x W; row i of W is i+1, ten times and a hundred times that. */
function numbersGraph(): Uint8Array {
	const graph = new GraphBuilder({ name: 'numbers', opset: 20 })
	const weights = [1, 2, 3, 4].flatMap((row) => [row, row * 10, row * 100])
	const x = graph.input('x', 'FP32', [1, 4])
	graph.output('y', graph.node('MatMul', [x, graph.constant('w', float32([4, 3], weights))]), 'FP32', [1, 3])
	return graph.build()
}

/** What `tiny` and `js` answer to 1, 2, 3, 4. */
export const expectedNumbers = [30, 300, 3000]

function numbersDescription(model: string): Description {
	const x = tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
	const y = tensor('FP32', [1, 3], Float32Array.from(expectedNumbers))
	const graph = { file: 'graph.onnx', external: [], tolerance: { absolute: 1e-4 } }
	return {
		model,
		version: '1.0.0',
		description: 'Four numbers to three, for tests.',
		license: 'Apache-2.0',
		source: { name: 'made by the tests' },
		calibration: 'none',
		task: null,
		inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4] }],
		outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3] }],
		axes: {},
		variants: {
			fp32: {
				description: 'as made',
				graphs: { wasm: graph, cpu: graph },
				golden: [{ name: 'one to four', inputs: { x: toTensorData(x) }, outputs: { y: toTensorData(y) } }],
				accuracy: {},
			},
		},
	}
}

/** Makes a request to the edge; `key` becomes a Bearer token. */
export async function call(
	edge: EdgeUnderTest,
	path: string,
	{
		key,
		json,
		headers = {},
		...init
	}: Omit<RequestInit, 'headers'> & { key?: string; json?: unknown; headers?: Record<string, string> } = {},
): Promise<Response> {
	return fetch(edge.url + path, {
		...(json !== undefined && { method: 'POST', body: JSON.stringify(json) }),
		signal: AbortSignal.timeout(30_000),
		...init,
		headers: {
			...(key !== undefined && { authorization: `Bearer ${key}` }),
			...(json !== undefined && { 'content-type': 'application/json' }),
			...headers,
		},
	})
}

/** Checks that a response is an error in problem+json, and gives its members. */
export async function problemOf(response: Response): Promise<Record<string, unknown>> {
	const type = response.headers.get('content-type')
	const body = (await response.json()) as Record<string, unknown>
	if (type !== 'application/problem+json' || body.status !== response.status || body.type !== `urn:spillway:error:${body.code}`)
		throw new Error(`no problem+json: ${response.status} ${type} ${JSON.stringify(body)}`)
	return body
}
