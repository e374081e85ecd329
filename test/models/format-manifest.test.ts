// What a manifest may say, and the exact words for what it may not.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalBytes, canonicalJson } from '../../models/format/canonical.ts'
import { digestOf } from '../../models/format/digest.ts'
import { pathOf } from '../../models/format/json.ts'
import type { Manifest } from '../../models/format/manifest.ts'
import { parseDescription, parseManifest } from '../../models/format/parse.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { exampleDescription, exampleManifest } from './example.ts'

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

const refusal = (data: Uint8Array): string => {
	try {
		parseManifest(data)
	} catch (error) {
		if (error instanceof SpillwayError && error.code === 'malformed') return error.message
		throw error
	}
	return 'accepted'
}

/** The example with one thing changed. */
function changed(change: (manifest: Any) => void): Uint8Array {
	const manifest = structuredClone(exampleManifest()) as Any
	change(manifest)
	return bytes(manifest)
}

// biome-ignore lint/suspicious/noExplicitAny: the tests break the types on purpose
type Any = any

const wrong: [name: string, change: (manifest: Any) => void, message: string][] = [
	['no format', (m) => delete m.format, 'manifest: format: expected "spillway-manifest/1"'],
	['another format', (m) => (m.format = 'spillway-manifest/2'), 'manifest: format: expected "spillway-manifest/1"'],
	[
		'a member that is not known',
		(m) => (m.variants.int8.graphs.wasm.fast = true),
		'manifest: variants.int8.graphs.wasm.fast: is not known here',
	],
	[
		'a provider that is not known',
		(m) => (m.variants.int8.graphs.cuda = m.variants.int8.graphs.wasm),
		'manifest: variants.int8.graphs.cuda: is not known here',
	],
	[
		'a model name with a slash',
		(m) => (m.model = '../x'),
		'manifest: model: must be 1 to 64 of a-z, 0-9, ".", "_", "-", and begin with a letter or digit',
	],
	['a version that is none', (m) => (m.version = '3'), 'manifest: version: must be a semantic version such as 1.0.0'],
	[
		'a graph file that is not there',
		(m) => (m.variants.int8.graphs.wasm.file = 'other.onnx'),
		'manifest: variants.int8.graphs.wasm.file: "other.onnx" is no file of the manifest',
	],
	[
		'a graph file named like a method',
		(m) => (m.variants.int8.graphs.wasm.file = 'toString'),
		'manifest: variants.int8.graphs.wasm.file: "toString" is no file of the manifest',
	],
	[
		'an external file that is not there',
		(m) => m.variants.int8.graphs.wasm.external.push('more.bin'),
		'manifest: variants.int8.graphs.wasm.external[1]: "more.bin" is no file of the manifest',
	],
	[
		'a tokenizer that is not there',
		(m) => delete m.files['tokenizer.json'],
		'manifest: task.tokenizer: "tokenizer.json" is no file of the manifest',
	],
	['a file in another folder', (m) => (m.task.tokenizer = '../tokenizer.json'), 'manifest: task.tokenizer: must be a plain file name'],
	[
		'chunks that are too few',
		(m) => m.files['weights.bin'].chunks.pop(),
		'manifest: files["weights.bin"].size: is 30, but the chunks have 10 bytes; files["weights.bin"].digest: is not that of the only chunk',
	],
	[
		'a chunk above 1 MiB',
		(m) => (m.files['weights.bin'].chunks[1].size = 1048577),
		'manifest: files["weights.bin"].chunks[1].size: Too big: expected number to be <=1048576',
	],
	[
		'an empty chunk',
		(m) => (m.files['weights.bin'].chunks[1].size = 0),
		'manifest: files["weights.bin"].chunks[1].size: Too small: expected number to be >=1',
	],
	[
		'a chunk with two sizes',
		(m) => (m.files['graph.onnx'] = { size: 3, digest: 'c'.repeat(64), chunks: [{ digest: 'c'.repeat(64), size: 3 }] }),
		'manifest: files["weights.bin"].chunks[0].size: is 10, elsewhere the same digest has 3 bytes',
	],
	[
		'a digest in capitals',
		(m) => (m.files['graph.onnx'].digest = 'A'.repeat(64)),
		'manifest: files["graph.onnx"].digest: must be a SHA-256 in lower-case hexadecimal',
	],
	[
		'an axis that is not declared',
		(m) => delete m.axes.tokens,
		'manifest: inputs[0].shape[1]: "tokens" is not declared in axes; inputs[1].shape[1]: "tokens" is not declared in axes',
	],
	[
		'an input twice',
		(m) => (m.inputs[1].name = 'ids'),
		'manifest: inputs[1].name: "ids" is there twice; task.inputs.mask: "mask" is no input of the model; variants.int8.golden[0].inputs.mask: is no input of the model',
	],
	[
		'a task input that is not there',
		(m) => (m.task.inputs.mask = 'attention'),
		'manifest: task.inputs.mask: "attention" is no input of the model; inputs[1].name: the task has nothing to give to "mask"',
	],
	['a task output that is not there', (m) => (m.task.output = 'pooled'), 'manifest: task.output: "pooled" is no output of the model'],
	[
		'a task output of another size',
		(m) => (m.task.dimensions = 3),
		'manifest: task.output: "vectors" must be FP32 [batch,3], but is FP32 [batch,2]',
	],
	['more tokens than the axis has', (m) => (m.task.maxTokens = 17), "manifest: task.maxTokens: is 17, above the axis's maximum of 16"],
	[
		'an input that the task does not fill',
		(m) => m.inputs.push({ name: 'types', datatype: 'INT64', shape: ['batch', 'tokens'] }),
		'manifest: inputs[2].name: the task has nothing to give to "types"; variants.int8.golden[0].inputs.types: is missing',
	],
	['no golden sample', (m) => (m.variants.int8.golden = []), 'manifest: variants.int8.golden: Too small: expected array to have >=1 items'],
	[
		'a golden sample without an output',
		(m) => (m.variants.int8.golden[0].outputs = {}),
		'manifest: variants.int8.golden[0].outputs.vectors: is missing',
	],
	[
		'a golden output with another datatype',
		(m) => (m.variants.int8.golden[0].outputs.vectors.datatype = 'INT32'),
		'manifest: variants.int8.golden[0].outputs.vectors.datatype: is INT32, must be FP32',
	],
	[
		'a golden input of another rank',
		(m) => (m.variants.int8.golden[0].inputs.mask.shape = [6]),
		'manifest: variants.int8.golden[0].inputs.mask.shape: is [6], must be [batch,tokens]',
	],
	[
		'a golden input with another batch',
		(m) => (m.variants.int8.golden[0].inputs.mask.shape = [3, 2]),
		'manifest: variants.int8.golden[0].inputs.mask.shape: has 3 along "batch", another tensor of the sample has 2',
	],
	[
		'a golden sample above the limit',
		(m) => (m.axes.batch.max = 1),
		'manifest: variants.int8.golden[0].inputs.ids.shape: has 2 along "batch", the maximum is 1; variants.int8.golden[0].inputs.mask.shape: has 2 along "batch", the maximum is 1; variants.int8.golden[0].outputs.vectors.shape: has 2 along "batch", the maximum is 1',
	],
	[
		'golden bytes that are too few',
		(m) => (m.variants.int8.golden[0].outputs.vectors.data = 'AAAA'),
		'manifest: variants.int8.golden[0].outputs.vectors.data: has 3 bytes, FP32 [2,2] needs 16',
	],
	[
		'golden data that is no base64',
		(m) => (m.variants.int8.golden[0].outputs.vectors.data = '!'),
		'manifest: variants.int8.golden[0].outputs.vectors.data: Invalid base64-encoded string',
	],
	[
		'a tolerance without bounds',
		(m) => (m.variants.int8.graphs.wasm.tolerance = {}),
		'manifest: variants.int8.graphs.wasm.tolerance: must give cosine, absolute or both',
	],
	['no variants', (m) => (m.variants = {}), 'manifest: variants: must give at least one variant'],
	['a variant without graphs', (m) => (m.variants.int8.graphs = {}), 'manifest: variants.int8.graphs: must give at least one graph'],
	[
		'a variant with a bad name',
		(m) => (m.variants['Int 8'] = m.variants.int8),
		'manifest: variants["Int 8"]: as a name: must be 1 to 64 of a-z, 0-9, ".", "_", "-", and begin with a letter or digit',
	],
]

describe('parseManifest', () => {
	it('reads what is right', () => {
		expect(parseManifest(bytes(exampleManifest()))).toEqual(exampleManifest())
	})

	it('takes a model without a task, and one without external data', () => {
		const manifest = exampleManifest()
		for (const graph of Object.values(manifest.variants.int8?.graphs ?? {})) graph.external = []
		expect(parseManifest(bytes({ ...manifest, task: null })).task).toBeNull()
	})

	it.each(wrong)('refuses %s', (_name, change, message) => {
		expect(refusal(changed(change))).toBe(message)
	})

	it('names the first problems and counts the others', () => {
		expect(refusal(bytes({ format: 'spillway-manifest/1' }))).toBe(
			'manifest: model: is missing; version: is missing; description: is missing; license: is missing; source: is missing; ' +
				'calibration: is missing; task: is missing; inputs: is missing; and 4 more',
		)
	})

	it.each([
		['nothing', new Uint8Array()],
		['text', new TextEncoder().encode('<!doctype html>')],
		['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
		['half of it', bytes(exampleManifest()).subarray(0, 400)],
	])('refuses %s as no JSON', (_name, data) => {
		expect(refusal(data)).toMatch(/^manifest: is no JSON: /)
	})

	it('refuses JSON nested 10,000 deep', () => {
		expect(refusal(new TextEncoder().encode('['.repeat(10_000) + ']'.repeat(10_000)))).toBe('manifest: expected object, received array')
	})

	it('lets no member named __proto__ through', () => {
		const text = JSON.stringify(exampleManifest()).replace('"axes":{', '"axes":{"__proto__":{"max":3},')
		const parsed = parseManifest(new TextEncoder().encode(text))
		expect(Object.getPrototypeOf(parsed.axes)).toBe(Object.prototype)
		expect(parsed.axes).toEqual(exampleManifest().axes)
	})

	it('settles with a manifest or `malformed`, whatever it is given', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				expect(refusal(bytes(value))).toMatch(/^manifest: /)
			}),
		)
	})
})

describe('parseDescription', () => {
	it('reads model.json, which knows nothing of files', () => {
		expect(parseDescription(bytes(exampleDescription()))).toEqual(exampleDescription())
		expect(() => parseDescription(bytes(exampleManifest()))).toThrow('model.json: format: is not known here; files: is not known here')
	})
})

describe('the canonical form', () => {
	it('is the same whatever the order of members', () => {
		expect(canonicalJson({ b: [1, { d: 1, c: null }], a: 'é\n' })).toBe('{"a":"é\\n","b":[1,{"c":null,"d":1}]}')
	})

	it('is JSON of the same data, and reading it changes nothing', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				const text = canonicalJson(value)
				expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
				expect(canonicalJson(JSON.parse(text))).toBe(text)
			}),
		)
	})

	it('goes through reading unchanged, so that a manifest keeps its digest', () => {
		const once = canonicalBytes(exampleManifest())
		expect(canonicalBytes(parseManifest(once))).toEqual(once)
	})

	it('has another digest after any single changed byte', async () => {
		const original = canonicalBytes(exampleManifest())
		const digest = await digestOf(original)
		await fc.assert(
			fc.asyncProperty(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
				const copy = original.slice()
				copy[at] = (copy[at] as number) ^ flip
				expect(await digestOf(copy)).not.toBe(digest)
			}),
		)
	})
})

describe('pathOf', () => {
	it('writes paths as JavaScript does', () => {
		expect(pathOf(['files', 'weights.bin', 'chunks', 0, 'size'])).toBe('files["weights.bin"].chunks[0].size')
	})
})

// The example must stay an example of the type.
exampleManifest() satisfies Manifest
