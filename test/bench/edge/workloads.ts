// What is asked: a chat completion, and a tensor.

import { tensor } from '../../../runtime/core/tensor.ts'
import { decodeResponse, encodeRequest, headerLengthName } from '../../../runtime/remote/oip.ts'
import type { Workload } from './load.ts'

export const chat: Workload = {
	name: 'chat',
	path: '/v1/chat/completions',
	headers: { 'content-type': 'application/json' },
	body: Buffer.from(
		JSON.stringify({
			model: 'chat',
			messages: [
				{ role: 'system', content: 'You are the help desk of a shop. Answer in one sentence.' },
				{ role: 'user', content: 'How do I reset my password?' },
			],
			temperature: 0.2,
			max_tokens: 100,
		}),
	),
	check(body) {
		const { choices } = JSON.parse(body.toString())
		if (!String(choices[0].message.content).startsWith('You can reset it')) throw new Error(`another answer: ${body}`)
	},
}

/** @param model under which name; all take four numbers and give three. */
export function numbers(model = 'numbers'): Workload {
	const { body, headers } = encodeRequest({ inputs: { x: tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4)) }, binaryOutput: true })
	return {
		name: 'tensors',
		path: `/v2/models/${model}/infer`,
		headers,
		body: Buffer.from(body),
		check(answer, header) {
			const { outputs } = decodeResponse(answer, header(headerLengthName))
			if (String(outputs.y?.data) !== '30,300,3000') throw new Error(`another answer: ${answer}`)
		},
	}
}
