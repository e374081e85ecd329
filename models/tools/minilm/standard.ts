// The encoder's kernels in standard operators: ONNX Runtime fuses sums with normalisations and biases with GELU when it loads the graph.

import { float, type GraphBuilder, type Value } from '../onnx/graph.ts'
import { float32, int64 } from '../onnx/tensor.ts'
import { headSize, type Kernels } from './encoder.ts'

/** @param graph its opset must be 20 or later (Gelu) */
export function standardKernels(graph: GraphBuilder): Pick<Kernels, 'bias' | 'attention' | 'gelu' | 'normalise'> {
	return {
		bias: (layer, product) => graph.weight(`layers.${layer}.${product}.bias`),
		attention: (mask, shape) => attention(graph, mask, shape),
		gelu: (x, bias) => graph.node('Gelu', [graph.node('Add', [x, bias])]),
		normalise: (x, norm) =>
			graph.node('LayerNormalization', [x, graph.weight(`${norm}.gain`), graph.weight(`${norm}.bias`)], {
				axis: -1,
				epsilon: float(epsilon),
			}),
	}
}

/** What normalisations add to the variance. */
export const epsilon = 1e-12

/** Added to the scores of padding: so low that the softmax is exactly 0 there. Not infinite: a row of padding alone stays a number. */
export const masked = -10_000

const attention: (graph: GraphBuilder, ...of: Parameters<Kernels['attention']>) => ReturnType<Kernels['attention']> = (
	graph,
	mask,
	{ hidden, heads },
) => {
	// In a shape, 0 keeps the size of that axis.
	const split = graph.constant('heads', int64([4], [0, 0, heads, headSize]))
	const join = graph.constant('hidden', int64([3], [0, 0, hidden]))
	const maskBias = addedToScores(graph, mask)
	const byHead = (x: Value, perm: number[]) => graph.node('Transpose', [graph.node('Reshape', [x, split])], { perm })
	return (product, bias) => {
		const qkv = graph.node('Add', [product, bias])
		const [query, key, value] = graph.nodes('Split', [qkv], 3, { axis: -1, num_outputs: 3 }) as [Value, Value, Value]
		const scores = graph.node('MatMul', [byHead(query, [0, 2, 1, 3]), byHead(key, [0, 2, 3, 1])])
		const weights = graph.node('Softmax', [graph.node('Add', [scores, maskBias])], { axis: -1 })
		const context = graph.node('MatMul', [weights, byHead(value, [0, 2, 1, 3])])
		const joined = graph.node('Transpose', [context], { perm: [0, 2, 1, 3] })
		return graph.node('Reshape', [joined, join])
	}
}

/** 0 where the mask is 1, else {@link masked}. */
function addedToScores(graph: GraphBuilder, mask: Value): Value {
	const absent = graph.node('Sub', [graph.constant('one', float32([], [1])), mask])
	const bias = graph.node('Mul', [absent, graph.constant('masked', float32([], [masked]))])
	return graph.node('Unsqueeze', [bias, graph.constant('head_and_query', int64([2], [1, 2]))])
}
