// The command line, run as its users run it: keygen, pack, verify.

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRing } from '../fixtures/ring/make.ts'
import { root, run } from '../package/repository.ts'

let folder: string
let trust: string
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'spillway-cli-'))
	await makeRing(join(folder, 'ring'))
	trust = JSON.parse((await spillway('keygen', 'key.jwk', '--json')).stdout).trust
})
afterAll(() => rm(folder, { recursive: true }))

const spillway = (...args: string[]) => run(join(root, 'edge/cli/main.ts'), args, folder)

describe('spillway', () => {
	it('tells its version and its commands', async () => {
		const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
		expect(await spillway('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
		const help = await spillway('--help')
		expect(help.code).toBe(0)
		for (const command of ['pack', 'publish', 'verify', 'keygen', 'embed', 'serve', 'check-config'])
			expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
	})

	it.each([
		[['pack', '--out', 'out', '--key', 'key.jwk'], "error: missing required argument 'folder'"],
		[['pack', 'ring'], "error: required option '--out <folder>' not specified"],
		[['pack', 'ring', '--out', 'out'], "error: required option '--key <file>' not specified"],
		[
			['pack', 'ring', '--out', 'out', '--key', 'key.jwk', '--serial', '-1'],
			"option '--serial <number>' argument '-1' is invalid. Give a whole number, 0 or more.",
		],
		[['pack', 'ring', '--out', 'out', '--key', 'key.jwk', '--expires-in', '90'], 'Give a number and a unit: 45s, 30m, 12h, 90d.'],
		[['pack', 'ring', 'other', '--out', 'out', '--key', 'key.jwk'], "error: too many arguments for 'pack'"],
		[['pack', 'ring', '--out', 'out', '--key', 'key.jwk', '--jsn'], "error: unknown option '--jsn'\n(Did you mean --json?)"],
		[['verify', 'out'], "error: give at least one key to trust, with '--trust <key>' or '--key <file>'"],
		[['verify', 'out', '--trust', 'x'], 'A trust key is 43 characters of base64url'],
		[
			['verify', 'http://127.0.0.1:1/', '--trust', '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'],
			'error: a web server does not tell which models it has: name them',
		],
		[['keygen'], "error: missing required argument 'file'"],
		[['pakc'], "error: unknown command 'pakc'\n(Did you mean pack?)"],
		[[], 'Usage: spillway [options] [command]'],
	])('says what is wrong with %j and ends with 2', async (args, message) => {
		const ran = await spillway(...args)
		expect(ran).toMatchObject({ code: 2, stdout: '' })
		expect(ran.stderr).toContain(message)
	})
})

describe('spillway keygen', () => {
	it('prints the trust key, never the private one, and does not overwrite', async () => {
		const made = await spillway('keygen', 'another.jwk')
		const { x, d } = JSON.parse(await readFile(join(folder, 'another.jwk'), 'utf8'))
		expect(made.code).toBe(0)
		expect(made.stdout).toContain(x)
		expect(made.stdout).not.toContain(d)
		expect((await stat(join(folder, 'another.jwk'))).mode & 0o777).toBe(0o600)
		const again = await spillway('keygen', 'another.jwk')
		expect(again).toMatchObject({ code: 1, stdout: '' })
		expect(again.stderr).toMatch(/^spillway: another\.jwk is there already; a key is not overwritten \[malformed\]\n/)
	})
})

describe('spillway pack and verify', () => {
	it('pack a folder and find it good', async () => {
		const packed = await spillway('pack', 'ring', '--out', 'out', '--key', 'key.jwk', '--serial', '4', '--expires-in', '12h')
		expect(packed).toMatchObject({ code: 0, stderr: '' })
		expect(packed.stdout).toMatch(/^packed ring 1\.0\.0\n {2}manifest {3}[0-9a-f]{64}\n {2}channel {4}serial number 4, good until \d{4}-/)
		expect(packed.stdout).toContain(trust)
		const verified = await spillway('verify', 'out', '--trust', trust)
		expect(verified).toMatchObject({ code: 0, stderr: '' })
		expect(verified.stdout).toMatch(/^ring 1\.0\.0: good\n/)
	})

	it('give JSON where asked', async () => {
		const packed = await spillway('pack', 'ring', '--out', 'json', '--key', 'key.jwk', '--json')
		expect(JSON.parse(packed.stdout)).toMatchObject({ model: 'ring', version: '1.0.0', serial: 1, files: 2, chunks: 4, trust })
		const verified = await spillway('verify', 'json', '--key', 'key.jwk', '--json')
		expect(JSON.parse(verified.stdout)).toMatchObject([{ model: 'ring', chunks: 4, problems: [] }])
	})

	it('end with 1 and say exactly what is wrong', async () => {
		await spillway('pack', 'ring', '--out', 'bad', '--key', 'key.jwk')
		const [name] = (await readdir(join(folder, 'bad/chunks'))).sort() as [string]
		await writeFile(join(folder, 'bad/chunks', name), 'x')
		const verified = await spillway('verify', 'bad', '--trust', trust)
		expect(verified.code).toBe(1)
		expect(verified.stdout).toMatch(/^ring 1\.0\.0: 1 problem\n/)
		expect(verified.stdout).toMatch(
			new RegExp(`^  wrong +chunks/${name}: chunk \\d of ring(-weights\\.bin|\\.onnx): has 1 bytes, should have \\d+$`, 'm'),
		)
		await writeFile(join(folder, 'model.json'), '{"model":"Ring"}')
		const packed = await spillway('pack', '.', '--out', 'never', '--key', 'key.jwk')
		expect(packed).toMatchObject({ code: 1, stdout: '' })
		expect(packed.stderr).toMatch(/^spillway: model\.json: model: must be 1 to 64 of .*; version: is missing; .* \[malformed\]\n$/)
		expect(await readdir(folder)).not.toContain('never')
	})

	it('verify a static host', async () => {
		await spillway('pack', 'ring', '--out', 'host', '--key', 'key.jwk')
		const server = createServer(async (request, response) => {
			const body = await readFile(join(folder, 'host', request.url ?? '')).catch(() => null)
			response.writeHead(body ? 200 : 404).end(body)
		})
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
		try {
			const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
			expect(await spillway('verify', base, 'ring', '--trust', trust)).toMatchObject({ code: 0 })
			const missing = await spillway('verify', base, 'bell', '--trust', trust)
			expect(missing.code).toBe(1)
			expect(missing.stdout).toContain(`bell/channel.jws: cannot be fetched: HTTP 404 from ${base}/bell/channel.jws`)
		} finally {
			await new Promise((resolve) => server.close(resolve))
		}
	})
})
