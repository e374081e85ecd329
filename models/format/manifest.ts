// The manifest: the immutable description of one version of a model, named by the SHA-256 of its bytes.

import { z } from 'zod'
import { type Datatype, datatypes } from '../../runtime/core/datatype.ts'

// zod would compile its checks with `new Function`; a page whose content security policy forbids that gets a violation report for the probe alone.
z.config({ jitless: true })

/** SHA-256 in lower-case hexadecimal. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal')

/** Largest chunk, in bytes. */
export const maxChunk = 1024 * 1024

export const nameSchema = z
	.string()
	.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, ".", "_", "-", and begin with a letter or digit')

export const versionSchema = z.string().regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, 'must be a semantic version such as 1.0.0')

const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be a plain file name')

const bytes = z.int().min(0)

const datatype = z.enum(datatypes as [Datatype, ...Datatype[]])

/** A tensor in JSON: little-endian bytes in base64. */
const tensorData = z.strictObject({ datatype, shape: z.array(z.int().min(0)), data: z.base64() })

export const tensorSpecSchema = z.strictObject({
	name: z.string().min(1),
	datatype,
	/** A number is a fixed size, a string the name of an axis; the same name means the same size within a call. */
	shape: z.array(z.union([z.int().min(1), z.string().min(1)])),
	/** Smallest and largest value of an input, where the graph would answer others without an error: token ids, masks. */
	min: z.number().optional(),
	max: z.number().optional(),
	/**
	 * What an input may be filled up with at the end of its named axes without changing what the rest of the row comes to: rows of unequal
	 * sizes then share runs. A task's ids and mask have theirs by their meaning. 16-bit floats can only be padded with 0.
	 */
	pad: z.number().optional(),
})

/** Limits for each named axis. `batch` is the axis along which calls may be joined and split, where a model has it. */
export const axisSchema = z.strictObject({ max: z.int().min(1).optional() })

const embedTask = z.strictObject({
	kind: z.literal('embed'),
	/** File with a Hugging Face `tokenizer.json`; its own truncation and padding are not used. */
	tokenizer: fileName,
	/** Longer texts are cut to this many tokens, special tokens included. */
	maxTokens: z.int().min(1),
	dimensions: z.int().min(1),
	/** Names of the inputs that take token ids and mask, both [batch, tokens]. */
	inputs: z.strictObject({ ids: z.string(), mask: z.string() }),
	/** Name of the output with one vector for each row, [batch, dimensions]. */
	output: z.string(),
	padId: z.int().min(0),
})

/** How far an execution provider may be from the golden outputs. Every bound that is given must hold, for every output row. */
const tolerance = z
	.strictObject({
		/** Smallest cosine between an output row and its golden row. */
		cosine: z.number().min(-1).max(1).optional(),
		/** Largest absolute difference of any element. */
		absolute: z.number().min(0).optional(),
	})
	.refine((bounds) => bounds.cosine !== undefined || bounds.absolute !== undefined, 'must give cosine, absolute or both')

const graph = z.strictObject({
	file: fileName,
	/** Files that the graph names as ONNX external data. */
	external: z.array(fileName),
	tolerance,
})

const golden = z.strictObject({
	name: z.string(),
	inputs: z.record(z.string(), tensorData),
	outputs: z.record(z.string(), tensorData),
})

/** Execution providers for which a graph can be given: `wasm`, `webgpu` and `webnn` in browsers, `wasm` in workerd, `cpu` in Node. */
export const providerSchema = z.enum(['wasm', 'webgpu', 'webnn', 'cpu'])

const variant = z.strictObject({
	description: z.string(),
	graphs: z.partialRecord(providerSchema, graph).refine((graphs) => Object.keys(graphs).length > 0, 'must give at least one graph'),
	golden: z.array(golden).min(1),
	/** Measured figures, for people: what, against what, on which data. */
	accuracy: z.record(z.string(), z.union([z.number(), z.string()])),
})

/** What is known about a version before it is cut into chunks: the packer's input, `model.json`. */
export const descriptionSchema = z.strictObject({
	model: nameSchema,
	version: versionSchema,
	description: z.string(),
	/** SPDX licence expression of the weights. */
	license: z.string(),
	/** Where the weights come from. */
	source: z.strictObject({ name: z.string(), sha256: digestSchema.optional(), url: z.url().optional() }),
	/** Where the calibration data came from. */
	calibration: z.string(),
	task: embedTask.nullable(),
	inputs: z.array(tensorSpecSchema).min(1),
	outputs: z.array(tensorSpecSchema).min(1),
	axes: z.record(z.string(), axisSchema),
	variants: z.record(nameSchema, variant).refine((variants) => Object.keys(variants).length > 0, 'must give at least one variant'),
})

const chunk = z.strictObject({ digest: digestSchema, size: bytes.min(1).max(maxChunk) })

const file = z.strictObject({ size: bytes, digest: digestSchema, chunks: z.array(chunk) })

export const manifestSchema = descriptionSchema.extend({
	format: z.literal('spillway-manifest/1'),
	files: z.record(fileName, file),
})

export type Description = z.infer<typeof descriptionSchema>
export type Manifest = z.infer<typeof manifestSchema>
export type Variant = Manifest['variants'][string]
export type Graph = z.infer<typeof graph>
export type Golden = z.infer<typeof golden>
export type Tolerance = z.infer<typeof tolerance>
export type TensorSpec = z.infer<typeof tensorSpecSchema>
export type TensorData = z.infer<typeof tensorData>
export type ModelFile = z.infer<typeof file>
export type Chunk = z.infer<typeof chunk>
export type Provider = z.infer<typeof providerSchema>
export type EmbedTask = z.infer<typeof embedTask>
