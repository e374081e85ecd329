// Verifying: everything that can be wrong with packed models is found, and told with its place.

import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalBytes } from '../../models/format/canonical.ts'
import { readChannel, signChannel } from '../../models/format/channel.ts'
import { digestOf } from '../../models/format/digest.ts'
import { generateSigningKey, kidOf, type SigningKey } from '../../models/format/keys.ts'
import { channelPath, chunkPath, manifestPath } from '../../models/format/layout.ts'
import type { Manifest } from '../../models/format/manifest.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { decompressed } from '../../models/tools/pack/compress.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { verify } from '../../models/tools/pack/verify.ts'
import { makeRing } from '../fixtures/ring/make.ts'

const now = Date.UTC(2030, 0, 1)
let key: SigningKey
let scratch: string
let good: string
let manifest: Manifest
let digest: string

beforeAll(async () => {
	key = await generateSigningKey()
	scratch = await mkdtemp(join(tmpdir(), 'spillway-verify-'))
	good = join(scratch, 'good')
	digest = (await pack(await makeRing(join(scratch, 'ring')), good, { key, now })).digest
	manifest = parseManifest(await readFile(join(good, manifestPath(digest))))
})
afterAll(() => rm(scratch, { recursive: true }))

let folders = 0
async function copy(): Promise<string> {
	const folder = join(scratch, `copy-${folders++}`)
	await cp(good, folder, { recursive: true })
	return folder
}

const problems = async (folder: string, trust = [key.x]) => (await verify(folder, { trust, now })).flatMap((model) => model.problems)

const chunk = (file: string, index: number): string => manifest.files[file]?.chunks[index]?.digest as string

/** Puts another manifest in, named and signed rightly. */
async function publish(folder: string, change: (manifest: Manifest) => void): Promise<string> {
	const changed = structuredClone(manifest)
	change(changed)
	const bytes = canonicalBytes(changed)
	const named = await digestOf(bytes)
	await writeFile(join(folder, manifestPath(named)), bytes)
	const channel = readChannel(await readFile(join(folder, channelPath('ring')), 'utf8'))
	await writeFile(join(folder, channelPath('ring')), await signChannel({ ...channel, manifest: named }, key))
	return named
}

const saysTheSame = (bytes: Uint8Array, original: Uint8Array) =>
	Promise.all([bytes, original].map((form) => decompressed(form, 1e7).then(digestOf))).then(
		([a, b]) => a === b,
		() => false,
	)

describe('verify', () => {
	it('finds nothing wrong with what was just packed', async () => {
		expect(await verify(good, { trust: [key.x], now })).toEqual([
			{
				model: 'ring',
				channel: readChannel(await readFile(join(good, 'ring/channel.jws'), 'utf8')),
				chunks: 4,
				size: Object.values(manifest.files).reduce((sum, file) => sum + file.size, 0),
				problems: [],
			},
		])
	})

	it('looks at the versions beside the current one, too', async () => {
		const folder = await copy()
		const source = join(scratch, 'next')
		await cp(join(scratch, 'ring'), source, { recursive: true })
		const description = JSON.parse(await readFile(join(source, 'model.json'), 'utf8'))
		await writeFile(join(source, 'model.json'), JSON.stringify({ ...description, version: '1.1.0' }))
		const graph = await readFile(join(source, 'ring.onnx'))
		// A member that nobody knows: another file, the same graph.
		await writeFile(join(source, 'ring.onnx'), Buffer.concat([graph, Buffer.from([0xf8, 0x3e, 0x01])]))
		await pack(source, folder, { key, now })
		expect(await verify(folder, { trust: [key.x], now })).toMatchObject([{ problems: [], chunks: 5 }])
		await rm(join(folder, chunkPath(chunk('ring.onnx', 0))))
		expect(await problems(folder)).toEqual([expect.stringContaining('chunk 0 of ring.onnx: cannot be read')])
		await rm(join(folder, manifestPath(digest)))
		expect(await problems(folder)).toEqual([expect.stringContaining(`${manifestPath(digest)}: cannot be read`)])
	})

	it('finds any flipped byte, in whatever file', async () => {
		const folder = await copy()
		const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
		await fc.assert(
			fc.asyncProperty(
				fc.constantFrom(...files),
				fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
				fc.integer({ min: 1, max: 255 }),
				async (entry, place, flip) => {
					const file = join(entry.parentPath, entry.name)
					const original = await readFile(file)
					const bytes = Buffer.from(original)
					const at = Math.floor(place * bytes.length)
					bytes[at] = (bytes[at] as number) ^ flip
					// White space around the channel's text means nothing.
					fc.pre(bytes.toString().trim() !== original.toString().trim())
					// Brotli may say the same in other words: a larger window, say.
					fc.pre(!entry.name.endsWith('.br') || !(await saysTheSame(bytes, original)))
					await writeFile(file, bytes)
					expect(await problems(folder)).not.toEqual([])
					await writeFile(file, original)
				},
			),
			{ numRuns: 60 },
		)
		expect(await problems(folder)).toEqual([])
	})

	it('names a changed chunk, a missing one and one cut short, all in one go', async () => {
		const folder = await copy()
		const [first, second, third] = [0, 1, 2].map((index) => chunk('ring-weights.bin', index)) as [string, string, string]
		const bytes = await readFile(join(folder, chunkPath(first)))
		bytes[0] = (bytes[0] as number) ^ 1
		await writeFile(join(folder, chunkPath(first)), bytes)
		await rm(join(folder, chunkPath(second)))
		await writeFile(join(folder, chunkPath(third)), (await readFile(join(folder, chunkPath(third)))).subarray(0, 100))
		expect(await problems(folder)).toEqual([
			`chunks/${first}: chunk 0 of ring-weights.bin: its SHA-256 is ${await digestOf(bytes)}, should be ${first}`,
			expect.stringMatching(`^chunks/${second}: chunk 1 of ring-weights.bin: cannot be read: ENOENT`),
			`chunks/${third}: chunk 2 of ring-weights.bin: has 100 bytes, should have 512`,
		])
	})

	it('names a channel by another key, and looks at the rest all the same', async () => {
		const other = await generateSigningKey()
		const [model] = await verify(good, { trust: [other.x], now })
		expect(model).toMatchObject({
			problems: [`ring/channel.jws: channel: is signed by key "${await kidOf(key.x)}"; trusted is ${await kidOf(other.x)}`],
			chunks: 4,
		})
	})

	it('names an expired channel', async () => {
		const [model] = await verify(good, { trust: [key.x], now: now + 100 * 86_400_000 })
		expect(model?.problems).toEqual([
			'ring/channel.jws: channel: expired on 2030-04-01T00:00:00.000Z, and the clock here says 2030-04-11T00:00:00.000Z: it must be signed anew, or the clock be set',
		])
	})

	it('names a channel that is none, and one in the wrong place', async () => {
		const folder = await copy()
		await mkdir(join(folder, 'bell'))
		await cp(join(folder, 'ring/channel.jws'), join(folder, 'bell/channel.jws'))
		await writeFile(join(folder, 'ring/channel.jws'), 'x')
		expect(await problems(folder)).toEqual([
			'bell/channel.jws: channel: is that of ring, not of bell',
			'ring/channel.jws: channel: is no compact JSON Web Signature: it has not three parts',
		])
	})

	it('names a manifest that was changed or is not there', async () => {
		const folder = await copy()
		await appendFile(join(folder, manifestPath(digest)), ' ')
		const changed = await digestOf(await readFile(join(folder, manifestPath(digest))))
		expect(await problems(folder)).toEqual([`manifests/${digest}.json: manifest: its SHA-256 is ${changed}, should be ${digest}`])
		await rm(join(folder, manifestPath(digest)))
		expect(await problems(folder)).toEqual([expect.stringMatching(`^manifests/${digest}.json: cannot be read: ENOENT`)])
	})

	it('names what is wrong with a manifest that is signed and named rightly', async () => {
		const folder = await copy()
		const malformed = await publish(folder, (changed) => delete changed.files['ring.onnx'])
		expect(await problems(folder)).toEqual([
			`manifests/${malformed}.json: manifest: ${['wasm', 'cpu', 'webgpu']
				.sort()
				.map((provider) => `variants.fp32.graphs.${provider}.file: "ring.onnx" is no file of the manifest`)
				.join('; ')}`,
		])
		const renamed = await publish(folder, (changed) => (changed.version = '2.0.0'))
		expect(await problems(folder)).toEqual([`manifests/${renamed}.json: version is 2.0.0, the channel says 1.0.0`])
	})

	it('names a file whose chunks are good but in the wrong order', async () => {
		const folder = await copy()
		await publish(folder, (changed) => changed.files['ring-weights.bin']?.chunks.reverse())
		expect(await problems(folder)).toEqual([
			expect.stringMatching(
				`^ring-weights.bin: the chunks make a file with SHA-256 [0-9a-f]{64}, should be ${manifest.files['ring-weights.bin']?.digest}$`,
			),
		])
	})

	it('refuses to look where there is nothing, and without keys', async () => {
		await expect(verify(join(scratch, 'ring'), { trust: [key.x] })).rejects.toMatchObject({ code: 'not-found' })
		await expect(verify(join(scratch, 'none'), { trust: [key.x] })).rejects.toMatchObject({ code: 'not-found' })
		await expect(verify(good, { trust: [] })).rejects.toMatchObject({ code: 'malformed' })
		await expect(verify(good, { trust: ['x'] })).rejects.toMatchObject({ code: 'malformed' })
	})
})

describe('verify over HTTP', () => {
	let server: Server
	let base: string
	const answers = new Map<string, { status: number; body?: Buffer }>()
	beforeAll(async () => {
		server = createServer(async (request, response) => {
			const path = (request.url ?? '').replace('/models/', '')
			const { status, body } = answers.get(path) ?? { status: 200, body: await readFile(join(good, path)).catch(() => undefined) }
			response.writeHead(body ? status : status === 200 ? 404 : status).end(body)
		})
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
		base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`
	})
	afterAll(() => new Promise((resolve) => server.close(resolve)))

	it('checks a static host, with or without a slash at the end', async () => {
		for (const address of [base, `${base}/`])
			expect(await verify(address, { trust: [key.x], models: ['ring'], now })).toMatchObject([{ chunks: 4, problems: [] }])
	})

	it('must be told the models', async () => {
		await expect(verify(base, { trust: [key.x] })).rejects.toMatchObject({ code: 'malformed' })
	})

	it('names what the host does not give', async () => {
		const missing = chunkPath(chunk('ring.onnx', 0))
		answers.set(missing, { status: 500 })
		expect((await verify(base, { trust: [key.x], models: ['ring', 'bell'], now })).map((model) => model.problems)).toEqual([
			[`${missing}: chunk 0 of ring.onnx: cannot be fetched: HTTP 500 from ${base}/${missing}`],
			[`bell/channel.jws: cannot be fetched: HTTP 404 from ${base}/bell/channel.jws`],
		])
		answers.clear()
	})

	it('names a host that is not there', async () => {
		const [model] = await verify('http://127.0.0.1:1/', { trust: [key.x], models: ['ring'] })
		expect(model?.problems).toEqual([
			expect.stringMatching('^ring/channel.jws: cannot be fetched from http://127.0.0.1:1/ring/channel.jws: '),
		])
	})
})
