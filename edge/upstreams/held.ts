// An upstream's executor, held to the model's interface: neither its words about a caller's mistake nor an answer of another form gets through.

import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { checkInputs } from '../../runtime/session/inputs.ts'
import { errorCodes } from '../guard/problem.ts'
import { checkOutputs } from './outputs.ts'
import type { UpstreamModel } from './upstream.ts'

/**
 * Checks the tensors of calls and answers against the model's interface, where that tells them.
 *
 * Errors, beside the executor's own: `invalid-input` before anything is sent; `upstream` for an answer of another form. That the upstream
 * refuses this edge's key or does not know the model is this edge's fault and becomes `upstream`, for the caller's own key and model are right;
 * what it says of the key is for this edge's log, for it may repeat it. A code that this edge does not know, as later ones may tell, is `upstream`, too.
 *
 * @param executor of the upstream, under its name.
 */
export function held(
	executor: Executor,
	{ interface: { inputs, outputs, axes }, version }: Pick<UpstreamModel, 'interface' | 'version'>,
): Executor {
	const { name } = executor
	/** Once, not at each call, until it is right again. */
	let logged = false

	function ofThisEdge(error: SpillwayError): SpillwayError {
		const { code, message, retryAfter } = error
		if (!ofKey.includes(code)) return told(name, error)
		if (!logged) console.error(`${name} refuses this edge's key: ${message}`)
		logged = true
		return new SpillwayError('upstream', `${name} refuses this edge's key; the edge's log says why`, { cause: error, retryAfter })
	}

	return {
		...executor,
		async infer(call, context) {
			const sizes = call.kind === 'tensors' && inputs ? checkInputs({ inputs, axes }, call.tensors) : new Map<string, number>()
			const answer = await executor.infer(call, context).catch((error) => {
				const known = SpillwayError.from(error)
				// Whose inputs nobody has checked here can be told by the upstream alone that they are wrong.
				throw !inputs && known.code === 'invalid-input' ? known : ofThisEdge(known)
			})
			logged = false
			if (answer.output.kind === 'tensors' && outputs) checkOutputs(name, { outputs }, sizes, answer.output.tensors)
			return { ...answer, ran: { ...answer.ran, version } }
		},
	}
}

/** What is said of this edge's own key. */
const ofKey = ['unauthenticated', 'forbidden']
/** What is said of this edge's own name or request. */
const ours = ['not-found', 'invalid-input', 'malformed']
/** What is said of the upstream. */
const theirs = ['network', 'upstream', 'unavailable', 'rate-limited']

/** The error as this edge's caller should see it, with the upstream's name in its words, for those who have several. */
function told(name: string, error: SpillwayError): SpillwayError {
	const { code, message, retryAfter } = error
	const known = errorCodes.includes(code)
	if (known && ![...ours, ...theirs].includes(code)) return error
	return new SpillwayError(known && !ours.includes(code) ? code : 'upstream', message.includes(name) ? message : `${name}: ${message}`, {
		cause: error,
		...(retryAfter !== undefined && { retryAfter }),
	})
}
