// `spillway/remote` in each runtime that servers have: the same script asks a running edge, and ends.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { type ChatServer, startChatServer, text, words } from '../../edge/harness/chat-server.ts'
import { startChild } from '../../edge/harness/child.ts'
import { packModels } from '../../edge/harness/models.ts'
import { type RunningNode, startNode } from '../../edge/harness/node.ts'
import { chatConfig, chatSecrets } from '../../edge/suites/chat.ts'
import { expectedNumbers, keys, suiteConfig, suiteModels } from '../../edge/suites/under-test.ts'
import { atEnd } from '../../fixtures/at-end.ts'
import { root } from '../../package/repository.ts'
import { expectedVector } from '../../runtime/tiny.ts'

const module = join(root, 'dist/runtime/remote.js')
const script = join(import.meta.dirname, 'in-process.mjs')

let chat: ChatServer
let edge: RunningNode
let folder: string

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'spillway-remote-'))
	atEnd(() => rm(folder, { recursive: true, force: true }))
	chat = await startChatServer()
	atEnd(() => chat.close())
	const packed = await packModels(suiteModels())
	atEnd(() => packed.remove())
	const { models, ...more } = chatConfig(chat.url)
	edge = await startNode({
		config: { ...suiteConfig, ...more, models: { ...suiteConfig.models, ...models } },
		models: packed.folder,
		secrets: chatSecrets,
		until: 'listening',
	})
	atEnd(() => edge.close())
})

function expectAnswers(got: unknown): void {
	expect(got).toEqual({
		y: expectedNumbers,
		hops: 1,
		executor: 'edge',
		vectors: [
			[2, 4, 5, 3],
			[2, 4, 3],
		].map((ids) => expectedVector(ids).map((value) => expect.closeTo(value, 5))),
		space: expect.stringMatching(/^m@[0-9a-f]{64}\/fp32$/),
		text,
		streamed: text,
		chunks: words,
		plain: expectedNumbers,
		errors: {
			unknown: 'not-found',
			refused: 'unauthenticated',
			late: 'deadline-exceeded',
			broken: 'aborted',
			unplain: 'invalid-input',
			disposed: 'disposed',
		},
	})
}

/** What the script prints; a process that does not end by itself is killed, which rejects. */
async function ask(program: string, ...options: string[]): Promise<unknown> {
	const { stdout } = await promisify(execFile)(program, [...options, script, module, edge.url, keys.secret], { timeout: 60_000 })
	return JSON.parse(stdout)
}

test('Node', async () => expectAnswers(await ask(process.execPath)))

test.skipIf(!process.env.TEST_BUN)('Bun', async () => expectAnswers(await ask(process.env.TEST_BUN ?? '', 'run')))

test.skipIf(!process.env.TEST_DENO)('Deno', async () =>
	expectAnswers(await ask(process.env.TEST_DENO ?? '', 'run', '--no-config', '--allow-net=127.0.0.1', '--allow-read', '--allow-env')),
)

test('a Worker, request after request', async () => {
	await build({
		entryPoints: [join(import.meta.dirname, 'worker.mjs')],
		outfile: join(folder, 'worker.js'),
		bundle: true,
		format: 'esm',
		alias: { 'spillway/remote': module },
		logLevel: 'error',
	})
	await writeFile(
		join(folder, 'config.capnp'),
		`using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [(name = "worker.js", esModule = embed "worker.js")], compatibilityDate = "2026-01-01")),
    (name = "internet", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`,
	)
	const worker = await startChild({
		command: join(root, 'node_modules/workerd/bin/workerd'),
		args: ['serve', '--control-fd=3', join(folder, 'config.capnp')],
		readyFd: 3,
		ready: (line) => JSON.parse(line) as { port: number },
	})
	atEnd(() => worker.stop())
	const address = `http://127.0.0.1:${worker.ready.port}/?${new URLSearchParams({ address: edge.url, key: keys.secret })}`
	for (let request = 0; request < 3; request++) {
		const response = await fetch(address, { signal: AbortSignal.timeout(30_000) })
		expect(response.status, await response.clone().text()).toBe(200)
		expectAnswers(await response.json())
	}
})
