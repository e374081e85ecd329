// Chat completions of an edge on Node.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChatServer, startChatServer } from './harness/chat-server.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { chatConfig, chatSecrets, chatSuite } from './suites/chat.ts'
import { call, keys, suiteConfig } from './suites/under-test.ts'

let server: ChatServer
let edge: RunningNode
beforeAll(async () => {
	server = await startChatServer()
	edge = await startNode({
		config: { keys: suiteConfig.keys, metrics: suiteConfig.metrics, ...chatConfig(server.url) },
		secrets: chatSecrets,
		until: 'listening',
	})
})
afterAll(async () => {
	await edge?.close()
	await server?.close()
})

chatSuite(
	() => edge,
	() => server,
)

test('no request counts as under way for ever', async () => {
	const inFlight = async () => {
		const metrics = await (await call({ ...edge, space: '' }, '/metrics', { key: keys.metrics })).text()
		return /^spillway_http_requests_in_flight (\d+)/m.exec(metrics)?.[1]
	}
	await expect.poll(inFlight).toBe('1')
})
