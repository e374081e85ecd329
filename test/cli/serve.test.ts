// spillway serve: an edge from the command line, and spillway embed asking it.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { root, run } from '../package/repository.ts'

const main = join(root, 'edge/cli/main.ts')
const key = 'sk_of-this-test'
let folder: string
const children: ChildProcessByStdio<null, Readable, Readable>[] = []

const spillway = (...args: string[]) => run(main, args, folder)

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'spillway-cli-'))
	await spillway('keygen', 'key.jwk')
	await spillway('pack', join(root, 'models/minilm'), '--out', 'models', '--key', 'key.jwk')
	const hash = createHash('sha256').update(key).digest('hex')
	await writeFile(join(folder, 'edge.json'), JSON.stringify({ modelsFolder: 'models', keys: [{ id: 'test', hash, kind: 'secret' }] }))
})
afterEach(async () => {
	for (const child of children.splice(0)) {
		if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
	}
})
afterAll(() => rm(folder, { recursive: true }))

/** Starts an edge and hands out what it prints, line by line. */
function serve(...args: string[]) {
	const child = spawn(process.execPath, [main, 'serve', '--port', '0', '--config', 'edge.json', ...args], {
		cwd: folder,
		stdio: ['ignore', 'pipe', 'pipe'],
	})
	children.push(child)
	const out = createInterface(child.stdout)[Symbol.asyncIterator]()
	const err = createInterface(child.stderr)[Symbol.asyncIterator]()
	return {
		child,
		out: async (): Promise<string> => (await out.next()).value ?? '',
		err: async (): Promise<string> => (await err.next()).value ?? '',
	}
}

async function stop(child: (typeof children)[number], signal: NodeJS.Signals): Promise<number | null> {
	const exited = once(child, 'exit')
	child.kill(signal)
	return (await exited)[0]
}

describe('spillway serve', () => {
	it('says where it listens and when it answers, answers, and ends well at SIGTERM', async () => {
		const { child, out } = serve()
		const listening = await out()
		expect(listening).toMatch(/^listening http:\/\/127\.0\.0\.1:\d+ trust=[A-Za-z0-9_-]{43} grpc=127\.0\.0\.1:\d+$/)
		const [, url = '', trust = ''] = /^listening (\S+) trust=(\S+)/.exec(listening) ?? []
		expect(await out()).toBe(`ready ${url}`)

		const embedded = await spillway('embed', 'hello', '--url', url, '--key', key)
		expect(embedded).toMatchObject({ code: 0, stderr: '' })
		expect(embedded.stdout).toMatch(
			/^"hello"\n {2}\[(-?0\.\d{6}, ){4}…\] \(384 dimensions\)\nran\n {2}executor {2}edge, execution provider cpu\n/,
		)
		expect(embedded.stdout).toMatch(/^ {2}hops {6}1$/m)

		const refused = await spillway('embed', 'hello', '--url', url, '--key', 'sk_another')
		expect(refused).toMatchObject({ code: 1, stdout: '' })
		expect(refused.stderr).toMatch(/^spillway: .* \[unauthenticated\]$/m)

		// What it hands out is signed with its own key, and whole.
		expect(await spillway('verify', `${url}/models`, 'minilm', '--trust', trust)).toMatchObject({ code: 0 })
		expect(await stop(child, 'SIGTERM')).toBe(0)
	})

	it('ends well at SIGINT while it is still loading', async () => {
		const { child, out } = serve()
		await out()
		expect(await stop(child, 'SIGINT')).toBe(0)
	})

	it('tells why a model does not answer, and goes on', async () => {
		const { child, out, err } = serve('--models', 'nowhere')
		const [, url = ''] = /^listening (\S+)/.exec(await out()) ?? []
		expect(await err()).toContain('model minilm is not in the catalogue')
		expect((await fetch(`${url}/healthz`)).status).toBe(200)
		expect(await stop(child, 'SIGTERM')).toBe(0)
	})

	it('does not start on a configuration with mistakes', async () => {
		await writeFile(join(folder, 'bad.json'), '{"prot":1}')
		const ran = await spillway('serve', '--config', 'bad.json')
		expect(ran).toMatchObject({ code: 1, stdout: '' })
		expect(ran.stderr).toMatch(/^spillway: the configuration has faults:\n {2}prot: is no setting/)
		expect(await spillway('serve', '--port', '70000')).toMatchObject({ code: 2, stdout: '' })
	})
})
