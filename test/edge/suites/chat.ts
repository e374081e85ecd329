// Chat completions of an edge whose upstream is a real server of OpenAI's interface, in good days and in bad ones: all the suites, and what
// an edge needs for them.

import { expect, test } from 'vitest'
import type { EdgeConfigInput } from '../../../edge/config/schema.ts'
import { type ChatServer, faults } from '../harness/chat-server.ts'
import { named } from './chat-calls.ts'
import { chatFaultsSuite } from './chat-faults.ts'
import { openaiClientSuite } from './chat-openai-client.ts'
import { ownClientSuite } from './chat-own-client.ts'
import { chatWireSuite } from './chat-wire.ts'

const generate = { inProcess: false, declared: { task: { kind: 'generate' as const } } }

/** What an edge needs so that {@link chatSuite} can run against it: its models, and its upstreams at `url`. */
export const chatConfig = (url: string) =>
	({
		models: {
			chat: generate,
			waiting: generate,
			waits: generate,
			nobody: generate,
			either: generate,
			texts: { inProcess: false, declared: { task: { kind: 'embed', dimensions: 4 } } },
			...Object.fromEntries(faults.map((fault) => [named(fault), generate])),
		},
		upstreams: [
			{
				name: 'vllm',
				kind: 'openai',
				url,
				key: { env: 'VLLM_KEY' },
				stall: 400,
				models: {
					chat: { name: 'big' },
					texts: { name: 'small' },
					either: { name: 'fails' },
					...Object.fromEntries(faults.map((fault) => [named(fault), { name: fault }])),
				},
			},
			{ name: 'down', kind: 'openai', url: 'http://127.0.0.1:9/v1', models: { nobody: {} } },
			{ name: 'down-too', kind: 'openai', url: 'http://127.0.0.1:9/v1', models: { nobody: {} } },
			{
				name: 'other',
				kind: 'openai',
				url,
				models: { either: { name: 'big' }, waiting: { name: 'hangs in mid-stream' }, waits: { name: 'hangs before headers' } },
			},
		],
	}) satisfies EdgeConfigInput

export const chatSecrets = { VLLM_KEY: 'sk-of-the-edge' }

export function chatSuite(edge: () => { readonly url: string }, server: () => ChatServer): void {
	openaiClientSuite(edge, server)
	chatWireSuite(edge, server)
	chatFaultsSuite(edge, server)
	ownClientSuite(edge)

	test('in the end nothing is left open', async () => {
		await expect.poll(() => server().open.size).toBe(0)
	})
}
