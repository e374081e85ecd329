// An upstream's executor, held to the model's interface: neither its words about a caller's mistake nor an answer of another form gets through.

import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { checkInputs } from '../../runtime/session/inputs.ts'
import { checkOutputs } from './outputs.ts'
import type { UpstreamModel } from './upstream.ts'

/**
 * Checks the tensors of calls and answers against the model's interface, where that tells them.
 *
 * Errors, beside the executor's own: `invalid-input` before anything is sent; `upstream` for an answer of another form. That the upstream
 * refuses this edge's key or does not know the model is this edge's fault and becomes `upstream`, for the caller's own key and model are right.
 *
 * @param executor of the upstream, under its name.
 */
export function held(
	executor: Executor,
	{ interface: { inputs, outputs, axes }, version }: Pick<UpstreamModel, 'interface' | 'version'>,
): Executor {
	const { name } = executor
	return {
		...executor,
		async infer(call, context) {
			const sizes = call.kind === 'tensors' && inputs ? checkInputs({ inputs, axes }, call.tensors) : new Map<string, number>()
			const answer = await executor.infer(call, context).catch((error) => {
				const known = SpillwayError.from(error)
				// Whose inputs nobody has checked here can be told by the upstream alone that they are wrong.
				throw !inputs && known.code === 'invalid-input' ? known : ofThisEdge(name, known)
			})
			if (answer.output.kind === 'tensors' && outputs) checkOutputs(name, { outputs }, sizes, answer.output.tensors)
			return { ...answer, ran: { ...answer.ran, version } }
		},
	}
}

/** What is said of this edge's own key, name or request. */
const ours = ['unauthenticated', 'forbidden', 'not-found', 'invalid-input', 'malformed']
/** What is said of the upstream. */
const theirs = ['network', 'upstream', 'unavailable', 'rate-limited']

/** The error as this edge's caller should see it, with the upstream's name in its words, for those who have several. */
function ofThisEdge(name: string, error: SpillwayError): SpillwayError {
	const { code, message, retryAfter } = error
	if (![...ours, ...theirs].includes(code)) return error
	return new SpillwayError(ours.includes(code) ? 'upstream' : code, message.includes(name) ? message : `${name}: ${message}`, {
		cause: error,
		...(retryAfter !== undefined && { retryAfter }),
	})
}
