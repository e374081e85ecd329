// What must hold in a manifest and a schema cannot say: names that point to something, sizes that add up.

import { checkGolden } from './check-golden.ts'
import type { Problem } from './json.ts'
import type { Description, EmbedTask, Manifest, TensorSpec } from './manifest.ts'

/** Where a description names a file. */
export interface FileReference {
	readonly path: readonly (string | number)[]
	readonly name: string
}

/** Every place where a file is named, in order. */
export function fileReferences(description: Description): FileReference[] {
	const references: FileReference[] = []
	if (description.task) references.push({ path: ['task', 'tokenizer'], name: description.task.tokenizer })
	for (const [variantName, variant] of Object.entries(description.variants))
		for (const [provider, graph] of Object.entries(variant.graphs)) {
			const path = ['variants', variantName, 'graphs', provider]
			references.push({ path: [...path, 'file'], name: graph.file })
			graph.external.forEach((name, index) => {
				references.push({ path: [...path, 'external', index], name })
			})
		}
	return references
}

/** Problems of a description, whose files are not looked at. */
export function checkDescription(description: Description): Problem[] {
	return [
		...checkSpecs('inputs', description),
		...checkSpecs('outputs', description),
		...(description.task ? checkEmbed(description, description.task) : []),
		...Object.entries(description.variants).flatMap(([name, variant]) =>
			variant.golden.flatMap((golden, index) => checkGolden(description, golden, ['variants', name, 'golden', index])),
		),
	]
}

/** Problems of a manifest: those of a description, and of its files. */
export function checkManifest(manifest: Manifest): Problem[] {
	const problems = checkDescription(manifest)
	for (const { path, name } of fileReferences(manifest))
		if (!Object.hasOwn(manifest.files, name)) problems.push({ path, message: `${JSON.stringify(name)} is no file of the manifest` })
	const sizes = new Map<string, number>()
	for (const [name, file] of Object.entries(manifest.files)) {
		const path = ['files', name]
		const sum = file.chunks.reduce((total, chunk) => total + chunk.size, 0)
		if (sum !== file.size) problems.push({ path: [...path, 'size'], message: `is ${file.size}, but the chunks have ${sum} bytes` })
		const [only] = file.chunks
		if (file.chunks.length === 1 && only?.digest !== file.digest)
			problems.push({ path: [...path, 'digest'], message: 'is not that of the only chunk' })
		file.chunks.forEach((chunk, index) => {
			const size = sizes.get(chunk.digest) ?? chunk.size
			sizes.set(chunk.digest, size)
			if (size !== chunk.size)
				problems.push({
					path: [...path, 'chunks', index, 'size'],
					message: `is ${chunk.size}, elsewhere the same digest has ${size} bytes`,
				})
		})
	}
	return problems
}

function checkSpecs(side: 'inputs' | 'outputs', description: Description): Problem[] {
	const problems: Problem[] = []
	const names = new Set<string>()
	description[side].forEach((spec, index) => {
		if (names.has(spec.name)) problems.push({ path: [side, index, 'name'], message: `${JSON.stringify(spec.name)} is there twice` })
		names.add(spec.name)
		spec.shape.forEach((size, axis) => {
			if (typeof size === 'string' && !Object.hasOwn(description.axes, size))
				problems.push({ path: [side, index, 'shape', axis], message: `${JSON.stringify(size)} is not declared in axes` })
		})
		const wrong = spec.pad === undefined ? undefined : padProblem(side, spec, spec.pad)
		if (wrong) problems.push({ path: [side, index, 'pad'], message: wrong })
	})
	return problems
}

/** Largest values of the datatypes that hold whole numbers only, where a JSON number can tell. */
const wholeNumbers: Partial<Record<TensorSpec['datatype'], [number, number]>> = {
	BOOL: [0, 1],
	UINT8: [0, 0xff],
	UINT16: [0, 0xffff],
	UINT32: [0, 0xffff_ffff],
	UINT64: [0, Number.MAX_SAFE_INTEGER],
	INT8: [-0x80, 0x7f],
	INT16: [-0x8000, 0x7fff],
	INT32: [-0x8000_0000, 0x7fff_ffff],
	INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}

function padProblem(side: 'inputs' | 'outputs', { datatype, min, max }: TensorSpec, pad: number): string | undefined {
	if (side === 'outputs') return 'is for inputs'
	const whole = wholeNumbers[datatype]
	if (whole && !(Number.isInteger(pad) && pad >= whole[0] && pad <= whole[1])) return `${pad} is no ${datatype}`
	if ((datatype === 'FP16' || datatype === 'BF16') && pad !== 0) return `must be 0 for ${datatype}`
	if ((min !== undefined && pad < min) || (max !== undefined && pad > max)) return `${pad} is not among the values that the input may hold`
	return undefined
}

function checkEmbed(description: Description, task: EmbedTask): Problem[] {
	const problems: Problem[] = []
	const find = (specs: readonly TensorSpec[], name: string, path: string[], form: Omit<TensorSpec, 'name'>) => {
		const spec = specs.find((candidate) => candidate.name === name)
		if (!spec)
			problems.push({ path, message: `${JSON.stringify(name)} is no ${path.includes('output') ? 'output' : 'input'} of the model` })
		else if (spec.datatype !== form.datatype || String(spec.shape) !== String(form.shape))
			problems.push({
				path,
				message: `${JSON.stringify(name)} must be ${form.datatype} [${form.shape}], but is ${spec.datatype} [${spec.shape}]`,
			})
	}
	const ids = { datatype: 'INT64', shape: ['batch', 'tokens'] } as const
	find(description.inputs, task.inputs.ids, ['task', 'inputs', 'ids'], { ...ids, shape: [...ids.shape] })
	find(description.inputs, task.inputs.mask, ['task', 'inputs', 'mask'], { ...ids, shape: [...ids.shape] })
	find(description.outputs, task.output, ['task', 'output'], { datatype: 'FP32', shape: ['batch', task.dimensions] })
	description.inputs.forEach(({ name }, index) => {
		if (name !== task.inputs.ids && name !== task.inputs.mask)
			problems.push({ path: ['inputs', index, 'name'], message: `the task has nothing to give to ${JSON.stringify(name)}` })
	})
	const most = description.axes.tokens?.max
	if (most !== undefined && most < task.maxTokens)
		problems.push({ path: ['task', 'maxTokens'], message: `is ${task.maxTokens}, above the axis's maximum of ${most}` })
	return problems
}
