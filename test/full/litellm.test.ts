// A real LiteLLM as an upstream, itself in front of the tests' own server: OpenAI's interface from another hand.
// test/full.mjs makes the Python that has it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isUp } from '../../edge/upstreams/openai/health.ts'
import { openaiUpstream } from '../../edge/upstreams/openai/upstream.ts'
import type { Call, Part } from '../../runtime/core/call.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { executorContract, type Subject } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { type ChatServer, startChatServer, text, vectorOf } from '../edge/harness/chat-server.ts'
import { context } from '../edge/harness/minilm.ts'
import { freePort } from '../start/npm-start.ts'

const python = process.env.TEST_PYTHON_LITELLM
const key = 'sk-litellm'

describe.skipIf(!python)('LiteLLM', () => {
	const folder = mkdtempSync(join(tmpdir(), 'spillway-litellm-'))
	let behind: ChatServer
	let server: ChildProcess
	let url: string

	beforeAll(async () => {
		behind = await startChatServer()
		const served = ['big', 'small', 'is cut in mid-stream']
		const models = served.map((name) => ({
			model_name: name,
			litellm_params: { model: `openai/${name}`, api_base: behind.url, api_key: 'sk-behind' },
		}))
		const config = { model_list: models, general_settings: { master_key: key }, litellm_settings: { telemetry: false, num_retries: 0 } }
		// JSON is YAML.
		writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config))
		const port = await freePort()
		url = `http://127.0.0.1:${port}/v1`
		server = spawn(
			join(dirname(python ?? ''), 'litellm'),
			['--config', join(folder, 'config.yaml'), '--host', '127.0.0.1', '--port', `${port}`],
			{
				stdio: 'ignore',
				// It would fetch prices.
				env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
			},
		)
		while (!(await isUp({ upstream: { url }, key, hops: 0 }))) await setTimeout(300)
	}, 120_000)
	afterAll(async () => {
		if (server && server.exitCode === null) {
			server.kill('SIGKILL')
			await once(server, 'exit')
		}
		await behind?.close()
		rmSync(folder, { recursive: true, force: true })
	})

	function upstreamFor(task: { kind: 'generate' } | { kind: 'embed'; dimensions: number }, remote: string) {
		const gate = makeGate()
		let sent = 0
		const executor = openaiUpstream({
			upstream: { name: 'litellm', url, stall: 5_000 },
			key,
			model: {
				name: 'm',
				version: '1',
				interface: { task, inputs: null, outputs: null, axes: {} },
				remote: { name: remote },
				variant: undefined,
				space: undefined,
			},
			environment: {},
			async fetch(address, init) {
				sent++
				await gate.passed()
				return fetch(address, init)
			},
		})
		return { executor, hops: 1, hold: gate.close, sent: () => sent }
	}

	const messages = [{ role: 'user', content: 'how do I true a wheel?' }]
	const generate = (model: object = {}, input: unknown = { messages }): Call => ({
		kind: 'task',
		task: 'generate',
		model: { name: 'm', ...model },
		input: input as never,
	})
	const embed = (model: object = {}, input: unknown = ['one', 'three']): Call => ({
		kind: 'task',
		task: 'embed',
		model: { name: 'm', ...model },
		input: input as never,
	})
	const inParts = (executor: Executor): Executor => ({
		...executor,
		infer: (call: Call, context: Context) => executor.infer(call, { ...context, emit: async () => {} }),
	})

	for (const parts of [false, true])
		executorContract(`LiteLLM, ${parts ? 'in parts' : 'whole'}`, {
			async make(): Promise<Subject> {
				const made = upstreamFor({ kind: 'generate' }, 'big')
				return {
					...made,
					...(parts && { executor: inParts(made.executor) }),
					call: generate,
					check(output) {
						if (output.kind !== 'generate' || output.completion.choices[0]?.message.content !== text) throw new Error('a wrong answer')
					},
					wrong: { 'no request': generate({}, null), 'no message': generate({}, { messages: [] }) },
				}
			},
		})

	executorContract('LiteLLM, embeddings', {
		async make(): Promise<Subject> {
			return {
				...upstreamFor({ kind: 'embed', dimensions: 4 }, 'small'),
				call: embed,
				check(output) {
					if (output.kind !== 'embed' || String(output.vectors) !== String([vectorOf('one'), vectorOf('three')]))
						throw new Error('a wrong answer')
				},
				wrong: { 'no texts': embed({}, []), 'no list': embed({}, 'one') },
			}
		},
	})

	test('parts come as they are made, with the usage at the end', async () => {
		const { executor } = upstreamFor({ kind: 'generate' }, 'big')
		const parts: Part[] = []
		const emit = async (part: Part) => void parts.push(part)
		const { output } = await executor.infer(generate(), { ...context(), emit })
		expect(parts.length).toBeGreaterThan(3)
		expect(parts.map(({ chunk }) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(text)
		expect(output).toMatchObject({ completion: { choices: [{ finish_reason: 'stop' }], usage: { total_tokens: 12 } } })
	})

	test('what breaks off behind it is an error', async () => {
		const { executor } = upstreamFor({ kind: 'generate' }, 'is cut in mid-stream')
		await expect(inParts(executor).infer(generate(), context())).rejects.toMatchObject({ code: 'upstream' })
	})

	test('an error of its own comes with its name', async () => {
		const { executor } = upstreamFor({ kind: 'generate' }, 'nope')
		await expect(executor.infer(generate(), context())).rejects.toMatchObject({ message: expect.stringContaining('litellm') })
	})
})
