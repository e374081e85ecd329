// The executor contract, held by sessions on the providers that run in Node, alone and behind the overflow loop.

import { batching } from '../../runtime/batch/batching.ts'
import type { Call, Output } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { type Tensor, type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import type { Ort } from '../../runtime/session/ort.ts'
import { createSession } from '../../runtime/session/session.ts'
import { tokenized } from '../../runtime/tasks/tokenized.ts'
import { createTokenizer } from '../../runtime/tasks/tokenizer.ts'
import { scripted } from '../runtime/scripted.ts'
import { expectedVector, packed, pixelDescription, textDescription, textTensors, tokenizerJson } from '../runtime/tiny.ts'
import { ortFor } from '../runtime/tiny-sessions.ts'
import { executorContract, type Subject } from './executor.ts'
import { makeGate } from './gate.ts'

const model = { name: 'tiny-pixels' }
const pixels = () => tensor('FP32', [1, 2, 3], Float32Array.of(0, 1, 2, 3, 4, 5))
const callWith = (tensors: unknown): Call => ({ kind: 'tensors', model, tensors: tensors as Tensors })

async function session(provider: 'cpu' | 'wasm', description = pixelDescription()): Promise<Subject> {
	const gate = makeGate()
	const { manifest, digest, chunks } = await packed(description, undefined, 1024 * 1024)
	const graph = chunks.get(manifest.files['graph.onnx']?.chunks[0]?.digest ?? '') as Uint8Array
	let runs = 0
	const ort = gated(await ortFor(provider), () => {
		runs++
		return gate.passed()
	})
	const executor = await createSession({ ort, graph, manifest, digest, variant: 'fp32', provider, name: 'device' })
	return {
		executor,
		call: (more) => ({ kind: 'tensors', model: { ...model, ...more }, tensors: { pixels: pixels() } }),
		check: checkBrighter,
		wrong: {
			'no tensor': callWith({}),
			'another name': callWith({ pictures: pixels() }),
			'one too many': callWith({ pixels: pixels(), more: pixels() }),
			'another shape': callWith({ pixels: tensor('FP32', [1, 3, 2], new Float32Array(6)) }),
			'another datatype': callWith({ pixels: tensor('FP64', [1, 2, 3], new Float64Array(6)) }),
			'data that does not fit': callWith({ pixels: { datatype: 'FP32', shape: [1, 2, 3], data: new Float32Array(5) } }),
			'no tensor at all': callWith({ pixels: null }),
			text: callWith({ pixels: 'bright' }),
		},
		hops: 0,
		hold: gate.close,
		sent: () => runs,
	}
}

function checkBrighter(output: Output): void {
	if (output.kind !== 'tensors') throw new Error('tensors were asked for')
	const { brighter } = output.tensors
	if (String(brighter?.data) !== '1,2,3,4,5,6' || String(brighter?.shape) !== '1,2,3') throw new Error(`not brighter: ${brighter?.data}`)
}

/** The same ONNX Runtime, each run of which waits for the gate. */
const gated = (ort: Ort, before: () => Promise<void>): Ort => ({
	Tensor: ort.Tensor,
	InferenceSession: {
		create: async (...from: never[]) => {
			const made = await (ort.InferenceSession.create as (...from: never[]) => ReturnType<typeof ort.InferenceSession.create>)(...from)
			return {
				run: async (feeds: never) => {
					await before()
					return made.run(feeds)
				},
				release: () => made.release(),
			}
		},
	} as never,
})

executorContract('a session on onnxruntime-node', { make: () => session('cpu') })
executorContract('a session on onnxruntime-web', { make: () => session('wasm') })

executorContract('batching over a session', {
	make: async () => {
		const own = await session('cpu')
		const { manifest } = await packed(pixelDescription())
		return { ...own, executor: batching({ manifest })(own.executor) }
	},
})

/** Of texts: the rows of several calls share runs. */
async function texts(): Promise<Subject & { description: ReturnType<typeof textDescription> }> {
	const description = textDescription()
	const own = await session('cpu', description)
	const call = (tensors: Tensors): Call => ({ kind: 'tensors', model: { name: 'tiny-text' }, tensors })
	const { ids, mask } = textTensors([[2, 4, 5, 3]]) as { ids: Tensor; mask: Tensor }
	return {
		...own,
		description,
		call: (more) => ({ kind: 'tensors', model: { name: 'tiny-text', ...more }, tensors: { ids, mask } }),
		check(output) {
			if (output.kind !== 'tensors') throw new Error('tensors were asked for')
			const { vector } = output.tensors
			for (const [index, value] of expectedVector([2, 4, 5, 3]).entries())
				if (Math.abs(Number(vector?.data[index]) - value) > 1e-5) throw new Error(`answered ${vector?.data}`)
		},
		wrong: {
			'no mask': call({ ids }),
			'a mask of another length': call({ ids, mask: textTensors([[2, 3]]).mask as Tensor }),
			'an id that is not in the vocabulary': call({ ids: textTensors([[2, 99, 5, 3]]).ids as Tensor, mask }),
		},
	}
}

executorContract('batching over a session that reads texts', {
	make: async () => {
		const own = await texts()
		return { ...own, executor: batching({ manifest: own.description })(own.executor) }
	},
})

executorContract('texts through batching', {
	make: async () => {
		const own = await texts()
		const { manifest } = await packed(own.description)
		const tokenizer = createTokenizer(new TextEncoder().encode(JSON.stringify(tokenizerJson)), 12)
		const embed = (input: unknown): Call => ({
			kind: 'task',
			model: { name: 'tiny-text' },
			task: 'embed',
			input: input as readonly string[],
		})
		return {
			...own,
			executor: tokenized(batching({ manifest })(own.executor), { manifest, tokenizer }),
			call: (more) => ({ ...embed(['hello world', '', 'hello world']), model: { name: 'tiny-text', ...more } }) as Call,
			check(output) {
				if (output.kind !== 'embed' || output.vectors.length !== 3) throw new Error('three vectors were asked for')
				const expected = [expectedVector([2, 4, 5, 3]), expectedVector([2, 3]), expectedVector([2, 4, 5, 3])]
				for (const [text, vector] of output.vectors.entries())
					for (const [index, value] of vector.entries())
						if (Math.abs(value - (expected[text]?.[index] ?? Number.NaN)) > 1e-5) throw new Error(`text ${text} is ${vector}`)
			},
			wrong: { 'no text': embed([]), 'a number': embed([1]), 'no list': embed('hello') },
		}
	},
})

/** Behind one that never can. */
executorContract('overflow of two', {
	make: async () => {
		const own = await session('cpu')
		const broken: Executor = {
			...scripted({ name: 'broken', fails: 'worker-lost', accepts: ['tensors'] }),
			dispose: async () => {},
		}
		return { ...own, executor: overflow('edge', [broken, own.executor]), retries: 1 }
	},
	// What the one that is broken might have answered nobody knows.
	elsewhere: ['worker-lost'],
})
