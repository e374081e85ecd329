// spillway embed: a vector without any server, and from an edge.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRing } from '../fixtures/ring/make.ts'
import { root, run } from '../package/repository.ts'

let folder: string
const spillway = (args: string[], env: Record<string, string> = {}) => run(join(root, 'edge/cli/main.ts'), args, folder, env)

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'spillway-cli-'))
	await spillway(['keygen', 'key.jwk'])
	await makeRing(join(folder, 'ring'))
	for (const model of [join(root, 'models/minilm'), 'ring'])
		expect(await spillway(['pack', model, '--out', 'models', '--key', 'key.jwk'])).toMatchObject({ code: 0 })
})
afterAll(() => rm(folder, { recursive: true }))

const leftovers = async () => (await readdir(folder)).filter((name) => name.startsWith('spillway-'))

/** Of two unit vectors. */
const cosine = (a: readonly number[], b: readonly number[]): number =>
	a.reduce((sum, value, index) => sum + value * (b[index] as number), 0)

describe('spillway embed', () => {
	it('runs the model here, prints the head of each vector and where it ran, and leaves no files', async () => {
		const { code, stdout, stderr } = await spillway(['embed', 'how do I reset my password?', 'hello', '--models', 'models'], {
			TMPDIR: folder,
		})
		expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
		expect(stdout).toMatch(
			/^"how do I reset my password\?"\n {2}\[(-?0\.\d{6}, ){4}…\] \(384 dimensions\)\n"hello"\n {2}\[(-?0\.\d{6}, ){4}…\] \(384 dimensions\)\nran\n/,
		)
		expect(stdout).toMatch(/^ {2}executor {2}device, execution provider cpu$/m)
		expect(stdout).toMatch(/^ {2}space {5}minilm@[0-9a-f]{64}\/int8$/m)
		expect(await leftovers()).toEqual([])
	})

	it('does not mind a reader who has seen enough, and leaves no files then either', async () => {
		const ended = await start((child) => child.stdout.destroy())
		expect(ended).toEqual({ code: 0, stderr: '' })
	})

	it('leaves no files when it is interrupted', async () => {
		const ended = await start(async (child) => {
			while (!(await leftovers()).length && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20))
			child.kill('SIGINT')
		})
		expect(ended).toEqual({ code: 1, stderr: expect.stringContaining('[aborted]') })
	})

	/** Starts a run, does something to it, and looks at how it ended. */
	async function start(disturb: (child: ChildProcessWithoutNullStreams) => unknown) {
		const child = spawn(process.execPath, [join(root, 'edge/cli/main.ts'), 'embed', 'hello', '--models', 'models'], {
			cwd: folder,
			env: { ...process.env, TMPDIR: folder },
		})
		let stderr = ''
		child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
		const closed = once(child, 'close')
		await disturb(child)
		const [code] = await closed
		expect(await leftovers()).toEqual([])
		return { code, stderr }
	}

	it('gives whole vectors as JSON, and they are right', async () => {
		const reference = JSON.parse(await readFile(join(root, 'test/fixtures/minilm-reference.json'), 'utf8'))
		const samples = reference.items.slice(0, 5) as { text: string; vector: number[] }[]
		const { stdout } = await spillway(['embed', '--models', 'models', '--json', '--', ...samples.map(({ text }) => text)])
		const { vectors, ran } = JSON.parse(stdout)
		expect(ran).toMatchObject({ executor: 'device', provider: 'cpu', model: 'minilm', hops: 0, overflow: [] })
		for (const [index, { vector }] of samples.entries()) expect(cosine(vectors[index], vector)).toBeGreaterThan(0.985)
	})

	it.each([
		[['embed'], 2, "error: missing required argument 'texts'"],
		[['embed', 'hi', '--key', 'k'], 2, "error: '--key <key>' is for an edge: give its address with '--url <address>'"],
		[['embed', 'hi', '--url', 'edge'], 2, "error: '--url <address>' must begin with http:// or https://"],
		[
			['embed', 'hi', '--models', 'nowhere'],
			1,
			'spillway: there is no model minilm in nowhere; give another folder with --models, or an edge with --url [not-found]',
		],
		[['embed', 'hi', '--models', 'models', '--model', 'ring'], 1, 'spillway: ring has no task embed, it takes only tensors [unsupported]'],
		[['embed', 'hi', '--url', 'http://127.0.0.1:9'], 1, 'spillway: edge: no whole answer: fetch failed [network]'],
	])('says what is wrong with %j', async (args, code, message) => {
		const ran = await spillway(args)
		expect(ran).toMatchObject({ code, stdout: '' })
		expect(ran.stderr).toContain(message)
	})
})
