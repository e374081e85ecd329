// Chat completions of an edge for Python's clients, unmodified: OpenAI's and Azure's.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChatServer, startChatServer, text, vectorOf } from '../edge/harness/chat-server.ts'
import { type RunningNode, startNode } from '../edge/harness/node.ts'
import { chatConfig, chatSecrets } from '../edge/suites/chat.ts'
import { keys, suiteConfig } from '../edge/suites/under-test.ts'
import { root } from '../package/repository.ts'

const python = process.env.TEST_PYTHON

describe.skipIf(!python)("Python's clients", () => {
	let server: ChatServer
	let edge: RunningNode
	beforeAll(async () => {
		server = await startChatServer()
		edge = await startNode({ config: { keys: suiteConfig.keys, ...chatConfig(server.url) }, secrets: chatSecrets, until: 'listening' })
	})
	afterAll(async () => {
		await edge?.close()
		await server?.close()
	})

	/** What the script prints, having asked the edge. */
	async function ask(script: string): Promise<Record<string, unknown>> {
		const { stdout } = await promisify(execFile)(python ?? '', [join(root, 'test', 'python', script), edge.url, keys.secret], {
			timeout: 60_000,
		})
		return JSON.parse(stdout)
	}

	test('openai: whole and in parts, with usage, and an error where an answer breaks off or falls silent', async () => {
		const got = await ask('openai_chat.py')
		expect(got.whole).toEqual([text, text])
		expect(got.parts).toEqual([text, null, null])
		expect(got['with usage']).toEqual([text, 12, null])
		expect(got.cut).toEqual(['Turn the', null, 'APIError'])
		expect(got.silent).toEqual(['Turn the', null, 'APIError'])
		expect(got.busy).toEqual(['RateLimitError', 'rate_limit_exceeded'])
		expect(got['unknown model']).toEqual(['NotFoundError', 'model_not_found'])
		expect(got.models).toEqual(expect.arrayContaining(['chat', 'texts']))
	})

	test('azure-ai-inference: the same, and embeddings', async () => {
		const got = await ask('azure_ai_client.py')
		expect(got.whole).toEqual([text, 12, 'chat'])
		expect(got.parts).toEqual([text, null])
		expect(got.cut).toEqual(['Turn the', 'ValueError'])
		expect(got.embeddings).toEqual([vectorOf('one'), vectorOf('three')])
		expect(got['unknown model']).toEqual([404, 'model_not_found'])
		expect(got['wrong key']).toEqual([401, 'invalid_api_key'])
	})
})
