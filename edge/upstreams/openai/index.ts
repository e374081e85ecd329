// Upstreams that speak OpenAI's interface: vLLM, llama.cpp, Ollama, LiteLLM, OpenAI itself, and many more.
// https://platform.openai.com/docs/api-reference

import { defaultStall } from '../../../runtime/remote/events.ts'
import { milliseconds } from '../../config/fields.ts'
import { upstreamKind } from '../upstream.ts'
import { isUp } from './health.ts'
import { openaiUpstream } from './upstream.ts'

export const openai = upstreamKind({
	kind: 'openai',
	settings: {
		/** Most milliseconds of silence of an answer that comes in parts: until the first, and between two. */
		stall: milliseconds.default(defaultStall),
	},
	executor: openaiUpstream,
	isUp,
})
