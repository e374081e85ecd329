// The executor contract, held by upstreams that speak OpenAI's interface: the documented wire format, from a server of the tests.

import { openaiUpstream } from '../../edge/upstreams/openai/upstream.ts'
import type { UpstreamModel } from '../../edge/upstreams/upstream.ts'
import type { Call } from '../../runtime/core/call.ts'
import { executorContract } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { startChatServer, text, vectorOf } from './harness/chat-server.ts'

type Task = NonNullable<UpstreamModel['interface']['task']>

async function upstreamFor(task: Task, space?: string) {
	const server = await startChatServer()
	const gate = makeGate()
	let sent = 0
	const executor = openaiUpstream({
		upstream: { name: 'vllm', url: server.url, stall: 5_000 },
		key: 'sk-test',
		model: {
			name: 'm',
			version: '1',
			interface: { task, inputs: null, outputs: null, axes: {} },
			remote: { name: 'big' },
			variant: undefined,
			space,
		},
		environment: {},
		async fetch(url, init) {
			sent++
			await gate.passed()
			return fetch(url, init)
		},
	})
	return { executor, hops: 1, hold: gate.close, sent: () => sent, close: server.close }
}

const messages = [{ role: 'user', content: 'how do I true a wheel?' }]
const generate = (input: unknown, model: object = {}): Call => ({
	kind: 'task',
	task: 'generate',
	model: { name: 'm', ...model },
	input: input as never,
})

for (const parts of [false, true])
	executorContract(`an upstream that generates${parts ? ', part by part' : ''}`, {
		async make() {
			const made = await upstreamFor({ kind: 'generate' })
			const executor = parts && {
				...made.executor,
				infer: (call: Call, context: Parameters<typeof made.executor.infer>[1]) =>
					made.executor.infer(call, { ...context, emit: async () => {} }),
			}
			return {
				...made,
				...(executor && { executor }),
				call: (model) => generate({ messages }, model),
				check(output) {
					if (output.kind !== 'generate' || output.completion.choices[0]?.message.content !== text) throw new Error('a wrong answer')
				},
				wrong: {
					'no request': generate(null),
					'no messages': generate({}),
					'no message': generate({ messages: [] }),
					'a message without a role': generate({ messages: [{ content: 'hi' }] }),
					'no number of answers': generate({ messages, n: 'two' }),
				},
			}
		},
	})

const embed = (input: unknown, model: object = {}): Call => ({
	kind: 'task',
	task: 'embed',
	model: { name: 'm', ...model },
	input: input as never,
})

executorContract('an upstream that embeds', {
	async make() {
		return {
			...(await upstreamFor({ kind: 'embed', dimensions: 4 }, 'm@1')),
			call: (model) => embed(['one', 'three'], model),
			check(output) {
				if (output.kind !== 'embed') throw new Error('vectors were asked for')
				if (String(output.vectors) !== String([vectorOf('one'), vectorOf('three')])) throw new Error('wrong vectors')
			},
			wrong: { 'no list': embed('one'), 'no texts': embed([]), 'something else': embed(['one', 2]), nothing: embed(undefined) },
		}
	},
})
