// spillway publish, as its users run it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningBucket, startBucket } from '../edge/harness/bucket.ts'
import { makeRing } from '../fixtures/ring/make.ts'
import { root, run } from '../package/repository.ts'

let folder: string
let bucket: RunningBucket
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'spillway-cli-'))
	await makeRing(join(folder, 'ring'))
	bucket = await startBucket()
	await spillway(['keygen', 'key.jwk'])
	await spillway(['pack', 'ring', '--out', 'packed', '--key', 'key.jwk'])
})
afterAll(async () => {
	await bucket.close()
	await rm(folder, { recursive: true })
})

const spillway = (args: string[], env: Record<string, string> = {}) => run(join(root, 'edge/cli/main.ts'), args, folder, env)

const account = () => ({ AWS_ACCESS_KEY_ID: bucket.options.accessKeyId, AWS_SECRET_ACCESS_KEY: bucket.options.secretAccessKey })

describe('spillway publish', () => {
	it.each([
		[['publish', '--to', 'x'], "error: missing required argument 'folder'"],
		[['publish', 'packed'], "error: required option '--to <place>' not specified"],
		[['publish', 'packed', '--to', ''], 'Give a folder, or s3://bucket/prefix.'],
		[['publish', 'packed', '--to', 'x', '--expires-in', '1d'], "is for a channel that is signed here: give '--key <file>'"],
		[['publish', 'https://edge.example.com/models', '--to', 'x'], 'a web server does not tell which models it has: name them'],
	])('says what is wrong with %j and ends with 2', async (args, message) => {
		const ran = await spillway(args)
		expect(ran).toMatchObject({ code: 2, stdout: '' })
		expect(ran.stderr).toContain(message)
	})

	it('puts packed models into a folder, which is then good', async () => {
		const published = await spillway(['publish', 'packed', '--to', 'place'])
		expect(published).toMatchObject({ code: 0, stderr: '' })
		expect(published.stdout).toMatch(
			/^published ring 1\.0\.0\n {2}to {8}place\n {2}manifest {2}[0-9a-f]{64}\n {2}channel {3}serial number 1, good until /,
		)
		expect(published.stdout).toMatch(/^ {2}content {3}5 pieces verified, 5 of them new, [\d,]+ bytes sent$/m)
		expect(await spillway(['verify', 'place', '--key', 'key.jwk'])).toMatchObject({ code: 0 })
		const again = await spillway(['publish', 'packed', '--to', 'place', '--json'])
		expect(JSON.parse(again.stdout)).toMatchObject([{ model: 'ring', missing: 0, sent: 0, changed: false, to: 'place' }])
	})

	it('puts them into a bucket, with the names of the environment that other tools use', async () => {
		const env = { ...account(), AWS_ENDPOINT_URL_S3: bucket.options.endpoint, AWS_REGION: 'eu-central-1' }
		const published = await spillway(
			['publish', 'packed', 'ring', '--to', 's3://models/a/b', '--key', 'key.jwk', '--expires-in', '12h'],
			env,
		)
		expect(published).toMatchObject({ code: 0, stderr: '' })
		expect(published.stdout).toContain(`to        s3://models/a/b at ${bucket.options.endpoint}`)
		expect([...bucket.objects.keys()].some((path) => path === 'a/b/ring/channel.jws')).toBe(true)
	})

	it('killed again and again goes on where it stopped, and nobody sees a part of it', async () => {
		const to = ['publish', 'packed', '--to', 's3://models/killed', '--endpoint', bucket.options.endpoint]
		const there = () => [...bucket.objects.keys()].filter((path) => path.startsWith('killed/'))
		const puts: string[] = []
		for (let kills = 0; kills < 3; kills++) {
			const child = spawn(process.execPath, [join(root, 'edge/cli/main.ts'), ...to], { cwd: folder, env: { ...process.env, ...account() } })
			const exited = once(child, 'exit')
			let left = 2
			bucket.fault = ({ method, path }) => {
				if (method !== 'PUT') return undefined
				if (left-- > 0) puts.push(path)
				else child.kill('SIGKILL')
				return left < 0 ? 'cut' : undefined
			}
			await exited
			expect(there()).not.toContain('killed/ring/channel.jws')
		}
		bucket.fault = ({ method, path }) => {
			if (method === 'PUT') puts.push(path)
			return undefined
		}
		expect(await spillway(to, account())).toMatchObject({ code: 0 })
		bucket.fault = undefined
		// Each piece once; the manifest once more, to see whether conditions hold.
		const manifest = puts.filter((path) => /manifests\/[0-9a-f]+\.json$/.test(path))
		expect(manifest).toHaveLength(2)
		expect(puts).toHaveLength(there().length + 1)
	})

	it('ends with 1 and the reason where that cannot be', async () => {
		const to = ['--to', 's3://models', '--endpoint', bucket.options.endpoint]
		const nameless = await spillway(['publish', 'packed', ...to], { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' })
		expect(nameless).toMatchObject({ code: 1, stdout: '' })
		expect(nameless.stderr).toMatch(/^spillway: AWS_ACCESS_KEY_ID is not set in this environment; a bucket needs it \[malformed\]$/m)
		const wrong = await spillway(['publish', 'packed', ...to], { ...account(), AWS_SECRET_ACCESS_KEY: 'wrong' })
		expect(wrong).toMatchObject({ code: 1, stdout: '' })
		expect(wrong.stderr).toContain('SignatureDoesNotMatch')
		expect((await spillway(['publish', 'ring', ...to], account())).stderr).toContain('holds no packed model')
		expect((await spillway(['publish', 'packed', '--to', 'ftp://host/models'])).stderr).toContain('is no place to publish to')
	})
})
