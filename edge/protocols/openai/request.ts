// Reads an embeddings request as OpenAI does, and refuses in OpenAI's words what OpenAI refuses.

/** A refusal: status 400, type `invalid_request_error`. */
export interface Refusal {
	readonly message: string
	readonly param?: string
	readonly code?: string
}

export interface EmbeddingsRequest {
	readonly model: string
	readonly input: readonly string[]
	readonly encoding: 'float' | 'base64'
	readonly dimensions?: number
}

const known = new Set(['model', 'input', 'encoding_format', 'dimensions', 'user'])

/** What OpenAI answers to an empty string, alone or in a list, and to whatever else is no input. */
const invalidInput: Refusal = {
	message: "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
}

/** The request, or why it is refused. `textsPerCall` as in the limits; OpenAI's own is 2048. */
export function readEmbeddings(body: unknown, textsPerCall: number): EmbeddingsRequest | Refusal {
	if (typeof body !== 'object' || body === null || Array.isArray(body))
		return { message: 'The body of your request must be a JSON object.' }
	const given = body as Record<string, unknown>
	const unknown = Object.keys(given).find((name) => !known.has(name))
	if (unknown !== undefined) return { message: `Unrecognized request argument supplied: ${unknown.slice(0, 80)}` }

	const { model, input, encoding_format: encoding = 'float', dimensions, user } = given
	if (typeof model !== 'string' || model === '') return { message: 'you must provide a model parameter' }
	if (input === undefined || input === null)
		return { message: "Missing required parameter: 'input'.", param: 'input', code: 'missing_required_parameter' }
	const list = typeof input === 'string' ? [input] : input
	if (!Array.isArray(list)) return invalidInput
	if (list.length > textsPerCall) {
		const message = `Invalid 'input': array too long. Expected an array with maximum length ${textsPerCall}, but got an array with length ${list.length} instead.`
		return { message, param: 'input', code: 'array_above_max_length' }
	}
	if (list.length > 0 && list.every(isTokens)) {
		// Clients make these with OpenAI's tokenizer, whose numbers mean other words here: answered, they would be silently wrong.
		const message =
			'Token arrays are not supported: this model has a tokenizer of its own. Send strings (with LangChain: check_embedding_ctx_length=False).'
		return { message, param: 'input', code: 'tokens_not_supported' }
	}
	if (list.length === 0 || !list.every((text) => typeof text === 'string' && text !== '')) return invalidInput
	if (encoding !== 'float' && encoding !== 'base64') {
		const message = `Invalid value: '${String(encoding).slice(0, 40)}'. Supported values are: 'float' and 'base64'.`
		return { message, param: 'encoding_format', code: 'invalid_value' }
	}
	if (dimensions !== undefined && !(Number.isInteger(dimensions) && (dimensions as number) > 0))
		return { message: "Invalid type for 'dimensions': expected a positive integer.", param: 'dimensions', code: 'invalid_type' }
	if (user !== undefined && typeof user !== 'string')
		return { message: "Invalid type for 'user': expected a string.", param: 'user', code: 'invalid_type' }
	return { model, input: list, encoding, ...(dimensions !== undefined && { dimensions: dimensions as number }) }
}

const isTokens = (value: unknown): boolean =>
	typeof value === 'number' || (Array.isArray(value) && value.every((id) => typeof id === 'number'))
