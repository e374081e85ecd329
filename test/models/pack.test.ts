// Packing: what comes out, that it always comes out the same, and what is refused before anything is written.

import { createPrivateKey } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import * as ort from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assembleFile } from '../../models/format/assemble.ts'
import { type Channel, readChannel, verifyChannel } from '../../models/format/channel.ts'
import { digestOf } from '../../models/format/digest.ts'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'
import { chunkPath, compressedPath, manifestPath } from '../../models/format/layout.ts'
import type { Description } from '../../models/format/manifest.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { fromTensorData, toTensorData, within } from '../../models/format/tensor-data.ts'
import { GraphBuilder } from '../../models/tools/onnx/graph.ts'
import { readKeyFile, writeNewKeyFile } from '../../models/tools/pack/key-file.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { makeRing, ringReference } from '../fixtures/ring/make.ts'

const now = Date.UTC(2030, 0, 1)
let key: SigningKey
let scratch: string
let ring: string

beforeAll(async () => {
	key = await generateSigningKey()
	scratch = await mkdtemp(join(tmpdir(), 'spillway-pack-'))
	ring = await makeRing(join(scratch, 'ring'))
})
afterAll(() => rm(scratch, { recursive: true }))

let folders = 0
const fresh = (): string => join(scratch, `out-${folders++}`)

/** Every file below a folder, by path. */
async function contentOf(folder: string): Promise<Record<string, string>> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true })
	const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
	return Object.fromEntries(
		await Promise.all(files.sort().map(async (file) => [file.slice(folder.length + 1), await digestOf(await readFile(file))])),
	)
}

/** A copy of the ring's folder with a changed model.json. */
async function changed(change: (description: Any) => void): Promise<string> {
	const folder = fresh()
	await mkdir(folder)
	for (const name of await readdir(ring)) await copyFile(join(ring, name), join(folder, name))
	const description = JSON.parse(await readFile(join(ring, 'model.json'), 'utf8'))
	change(description)
	await writeFile(join(folder, 'model.json'), JSON.stringify(description))
	return folder
}

// biome-ignore lint/suspicious/noExplicitAny: the tests break the types on purpose
type Any = any

describe('pack', () => {
	it('writes chunks named by their digest, one manifest named by its digest, and the signed channel', async () => {
		const out = fresh()
		const packed = await pack(ring, out, { key, now })
		const channel = await verifyChannel(await readFile(join(out, 'ring/channel.jws'), 'utf8'), [key.x], { model: 'ring', now })
		expect(channel).toEqual({
			format: 'spillway-channel/1',
			model: 'ring',
			version: '1.0.0',
			manifest: packed.digest,
			serial: 1,
			issued: now / 1000,
			expires: now / 1000 + 90 * 86_400,
		} satisfies Channel)
		const content = await contentOf(out)
		for (const [path, digest] of Object.entries(content)) if (!/\.(jws|br)$/.test(path)) expect(path).toContain(digest)
		const manifest = parseManifest(await readFile(join(out, manifestPath(packed.digest))))
		const named = Object.values(manifest.files).flatMap(({ chunks }) => chunks.map(({ digest }) => chunkPath(digest)))
		const plain = Object.keys(content).filter((path) => !path.endsWith('.br'))
		expect(plain.sort()).toEqual([...new Set(named), manifestPath(packed.digest), 'ring/channel.jws'].sort())
	})

	it('writes what a host may send compressed beside what shrinks by 3 % at least', async () => {
		const out = fresh()
		const packed = await pack(ring, out, { key })
		const paths = Object.keys(await contentOf(out)).filter((path) => !path.endsWith('.jws'))
		let sent = 0
		for (const path of paths.filter((path) => !path.endsWith('.br'))) {
			const plain = await readFile(join(out, path))
			const smaller = paths.includes(compressedPath(path)) ? await readFile(join(out, compressedPath(path))) : undefined
			if (smaller) {
				expect(brotliDecompressSync(smaller).equals(plain), path).toBe(true)
				expect(smaller.length).toBeLessThanOrEqual(0.97 * plain.length)
			} else expect(brotliCompressSync(plain).length, path).toBeGreaterThan(0.97 * plain.length)
			sent += (smaller ?? plain).length
		}
		expect(paths).toContain(compressedPath(manifestPath(packed.digest)))
		expect(packed.sent).toBe(sent)
		expect(packed.sent).toBeLessThan(packed.size)
	})

	it('cuts weights where the tensors begin', async () => {
		const out = fresh()
		const { digest } = await pack(ring, out, { key })
		const { files } = parseManifest(await readFile(join(out, manifestPath(digest))))
		// Taps and bias together, then the 64 KiB of `mix`, then what is behind it.
		expect(files['ring-weights.bin']?.chunks.map(({ size }) => size)).toEqual([128 * 9 * 4 + 128 * 4, 65_536, 512])
	})

	it('gives whole files back, and the model answers its golden samples and others', async () => {
		const out = fresh()
		const { digest } = await pack(ring, out, { key })
		const manifest = parseManifest(await readFile(join(out, manifestPath(digest))))
		const read = (name: string) => assembleFile(manifest, name, (chunk) => readFile(join(out, chunkPath(chunk.digest))))
		expect(Buffer.from(await read('ring.onnx')).equals(await readFile(join(ring, 'ring.onnx')))).toBe(true)
		const session = await ort.InferenceSession.create(await read('ring.onnx'), {
			externalData: [{ path: 'ring-weights.bin', data: await read('ring-weights.bin') }],
		} as ort.InferenceSession.SessionOptions)
		const answer = async (signal: Float32Array, gain: Float32Array) =>
			session.run({ signal: new ort.Tensor(signal, [signal.length]), gain: new ort.Tensor(gain, [1]) })
		const { golden, graphs } = manifest.variants.fp32 as Description['variants'][string]
		for (const { inputs, outputs } of golden) {
			const [signal, gain] = [inputs.signal, inputs.gain].map((data) => fromTensorData(data as Any).data as Float32Array)
			const ran = await answer(signal as Float32Array, gain as Float32Array)
			for (const [name, data] of Object.entries(outputs))
				expect(within(graphs.cpu?.tolerance ?? {}, data, tensor('FP32', ran[name]?.dims ?? [], ran[name]?.data as Float32Array))).toBeNull()
		}
		const signal = Float32Array.from({ length: 300 }, (_, at) => Math.sin(at / 3))
		const { filtered, peak } = ringReference(signal, 1.5)
		const ran = await answer(signal, Float32Array.of(1.5))
		expect(
			within({ absolute: 1e-5 }, toTensorData(tensor('FP32', [300], filtered)), tensor('FP32', [300], ran.filtered?.data as Float32Array)),
		).toBeNull()
		expect(ran.peak?.data[0]).toBeCloseTo(peak, 5)
		await session.release()
	})
})

describe('packing twice', () => {
	it('gives the same bytes, whatever the order, the dates and the place of the files', async () => {
		const other = fresh()
		await mkdir(other)
		const names = (await readdir(ring)).sort().reverse()
		for (const name of names) {
			await copyFile(join(ring, name), join(other, name))
			await utimes(join(other, name), 1, 1)
		}
		const description = JSON.parse(await readFile(join(ring, 'model.json'), 'utf8'))
		const reversed = (value: unknown): unknown =>
			Array.isArray(value)
				? value.map(reversed)
				: value && typeof value === 'object'
					? Object.fromEntries(
							Object.entries(value)
								.reverse()
								.map(([name, member]) => [name, reversed(member)]),
						)
					: value
		await writeFile(join(other, 'model.json'), JSON.stringify(reversed(description)))
		await writeFile(join(other, 'notes.txt'), 'not named by model.json')
		const outs = [fresh(), join(fresh(), 'deep/er')]
		await pack(ring, outs[0] as string, { key, now })
		await pack(other, outs[1] as string, { key, now })
		expect(await contentOf(outs[1] as string)).toEqual(await contentOf(outs[0] as string))
	})

	it('gives the bytes that it gave on other machines', async () => {
		// Changes only when the format, the ring or the graph builder does.
		expect((await pack(ring, fresh(), { key })).digest).toBe('71960087af4e65997f8642035117edc998f2c47e71d007407d53c24b2dd77575')
	})

	it('keeps the serial number of the same manifest, and signs the channel anew', async () => {
		const out = fresh()
		await pack(ring, out, { key, now })
		const again = await pack(ring, out, { key, now: now + 60_000, expiresIn: 1_000 })
		expect(again).toMatchObject({ serial: 1, written: 0, expires: now + 61_000 })
	})

	it('raises the serial number with a new manifest, keeps what the old one needs, and writes only what is new', async () => {
		const out = fresh()
		await pack(ring, out, { key, now })
		const before = await contentOf(out)
		const next = await changed((description) => (description.version = '1.0.1'))
		const packed = await pack(next, out, { key, now })
		expect(packed.serial).toBe(2)
		const after = await contentOf(out)
		const { 'ring/channel.jws': _old, ...immutable } = before
		expect(after).toMatchObject(immutable)
		// The manifest, plain and compressed.
		expect(Object.keys(after).length).toBe(Object.keys(before).length + 2)
		expect(packed.written).toBe((await stat(join(out, manifestPath(packed.digest)))).size)
	})

	it('keeps the versions before published, the newest first, and withdraws those that are newer than the one that comes back', async () => {
		const out = fresh()
		const packs: Record<string, { digest: string; serial: number }> = {}
		const publish = async (version: string) => {
			packs[version] = await pack(await changed((description) => (description.version = version)), out, { key, now })
			const { versions, serial, ...channel } = readChannel(await readFile(join(out, 'ring/channel.jws'), 'utf8'))
			expect(channel).toMatchObject({ version, manifest: packs[version]?.digest })
			expect(versions?.map(({ manifest }) => manifest)).toEqual(versions?.map(({ version }) => packs[version]?.digest))
			return [serial, ...(versions?.map(({ version }) => version) ?? [])]
		}
		expect(await publish('1.0.0')).toEqual([1])
		expect(await publish('1.1.0')).toEqual([2, '1.0.0'])
		expect(await publish('1.10.0')).toEqual([3, '1.1.0', '1.0.0'])
		expect(await publish('1.10.0')).toEqual([3, '1.1.0', '1.0.0'])
		expect(await publish('1.1.0')).toEqual([4, '1.0.0'])
		expect(await publish('2.0.0')).toEqual([5, '1.1.0', '1.0.0'])
		await rm(join(out, manifestPath(packs['1.1.0']?.digest as string)))
		expect(await publish('2.0.1')).toEqual([6, '2.0.0', '1.0.0'])
		for (let patch = 2; patch < 20; patch++) await publish(`2.0.${patch}`)
		const last = await publish('3.0.0')
		expect(last).toHaveLength(17)
		expect(last.slice(0, 3)).toEqual([25, '2.0.19', '2.0.18'])
		expect(last.at(-1)).toBe('2.0.4')
	})

	it('changes only the chunks of a tensor that changes', async () => {
		const out = fresh()
		const first = await pack(ring, out, { key })
		const next = await changed(() => undefined)
		const weights = await readFile(join(next, 'ring-weights.bin'))
		weights.writeFloatLE(0.5, weights.length - 4)
		await writeFile(join(next, 'ring-weights.bin'), weights)
		const second = await pack(next, out, { key })
		const chunks = async (digest: string) =>
			parseManifest(await readFile(join(out, manifestPath(digest)))).files['ring-weights.bin']?.chunks.map(
				(chunk) => chunk.digest,
			) as string[]
		const [a, b] = [await chunks(first.digest), await chunks(second.digest)]
		expect(b.map((digest, index) => digest === a[index])).toEqual([true, true, false])
	})

	it('takes a serial number that readers would take, and refuses others', async () => {
		const out = fresh()
		expect((await pack(ring, out, { key, serial: 5 })).serial).toBe(5)
		expect((await pack(ring, out, { key, serial: 5 })).serial).toBe(5)
		const next = await changed((description) => (description.version = '1.0.1'))
		await expect(pack(next, out, { key, serial: 5 })).rejects.toMatchObject({
			code: 'channel-rollback',
			message: 'serial number 5 would be refused by readers: the channel that is there has 5; give 6 or more, or leave it out',
		})
	})

	it('repairs a chunk that was damaged', async () => {
		const out = fresh()
		const { digest } = await pack(ring, out, { key })
		const { files } = parseManifest(await readFile(join(out, manifestPath(digest))))
		const damaged = join(out, chunkPath(files['ring.onnx']?.chunks[0]?.digest as string))
		await truncate(damaged, 10)
		expect((await pack(ring, out, { key })).written).toBe(files['ring.onnx']?.size)
		expect((await stat(damaged)).size).toBe(files['ring.onnx']?.size)
	})

	it('lets two models stand in one folder', async () => {
		const out = fresh()
		await pack(ring, out, { key })
		await pack(await changed((description) => (description.model = 'other')), out, { key })
		expect((await readdir(out)).sort()).toEqual(['chunks', 'manifests', 'other', 'ring'])
	})
})

describe('a folder that is not right', () => {
	const nan = () => toTensorData(tensor('FP32', [1], Float32Array.of(Number.NaN)))
	const wrong: [name: string, change: (description: Any) => void, message: string][] = [
		[
			'a graph that is not there',
			(d) => (d.variants.fp32.graphs.wasm.file = 'no.onnx'),
			'model.json: variants.fp32.graphs.wasm.file: "no.onnx" cannot be read: ENOENT',
		],
		[
			'a graph that is none',
			(d) => (d.variants.fp32.graphs.wasm.file = 'model.json'),
			'model.json: variants.fp32.graphs.wasm.file: "model.json" is no ONNX graph: ',
		],
		[
			'an input that the graph does not have',
			(d) => rename(d, 'gain', 'volume'),
			'model.json: variants.fp32.graphs.wasm.file: the graph has no input "volume"; variants.fp32.graphs.wasm.file: the graph\'s input "gain" is not in inputs',
		],
		[
			'an output that is not said',
			(d) => {
				d.outputs.pop()
				for (const golden of d.variants.fp32.golden) delete golden.outputs.peak
			},
			'model.json: variants.fp32.graphs.wasm.file: the graph\'s output "peak" is not in outputs',
		],
		[
			'another shape than the graph has',
			(d) => {
				d.outputs[1].shape = ['samples']
				d.variants.fp32.golden.length = 1
			},
			'model.json: variants.fp32.graphs.wasm.file: the graph\'s output "peak" is FP32 [1], outputs say FP32 [samples]',
		],
		[
			'another rank than the graph has',
			(d) => {
				d.outputs[1].shape = []
				for (const golden of d.variants.fp32.golden) golden.outputs.peak.shape = []
			},
			'model.json: variants.fp32.graphs.wasm.file: the graph\'s output "peak" is FP32 [1], outputs say FP32 []',
		],
		[
			'another datatype than the graph has',
			(d) => {
				d.inputs[1].datatype = 'INT32'
				for (const golden of d.variants.fp32.golden) golden.inputs.gain.datatype = 'INT32'
			},
			'model.json: variants.fp32.graphs.wasm.file: the graph\'s input "gain" is FP32 [1], inputs say INT32 [1]',
		],
		[
			'weights that are not listed',
			(d) => (d.variants.fp32.graphs.wasm.external = []),
			'model.json: variants.fp32.graphs.wasm.external: the graph keeps tensors in "ring-weights.bin", which is not listed',
		],
		[
			'a file that no tensor is in',
			(d) => d.variants.fp32.graphs.wasm.external.push('ring.onnx'),
			'model.json: variants.fp32.graphs.wasm.external[1]: the graph keeps no tensor in "ring.onnx"',
		],
		[
			'a golden output that is no number',
			(d) => (d.variants.fp32.golden[0].outputs.peak = nan()),
			'model.json: variants.fp32.golden[0].outputs.peak: row 0: element 0 is not a number',
		],
		[
			'a golden sample without an input',
			(d) => delete d.variants.fp32.golden[0].inputs.gain,
			'model.json: variants.fp32.golden[0].inputs.gain: is missing',
		],
	]

	function rename(description: Any, from: string, to: string): void {
		for (const spec of description.inputs) if (spec.name === from) spec.name = to
		for (const { inputs } of description.variants.fp32.golden) {
			inputs[to] = inputs[from]
			delete inputs[from]
		}
	}

	it.each(wrong)('is refused for %s, and nothing is written', async (_name, change, message) => {
		const folder = await changed((description) => {
			// One graph is enough, and says each thing once.
			description.variants.fp32.graphs = { wasm: description.variants.fp32.graphs.wasm }
			change(description)
		})
		const out = fresh()
		const error: Any = await pack(folder, out, { key }).catch((reason) => reason)
		expect(error).toMatchObject({ code: 'malformed' })
		expect(error.message.slice(0, message.length)).toBe(message)
		await expect(stat(out)).rejects.toThrow('ENOENT')
	})

	it('is refused for weights that are too short', async () => {
		const folder = await changed(() => undefined)
		await truncate(join(folder, 'ring-weights.bin'), 71_000)
		await expect(pack(folder, fresh(), { key })).rejects.toThrow('"ring-weights.bin" has 71000 bytes, tensor "out" needs 512 from 70656 on')
	})

	it('is refused for a graph without nodes', async () => {
		const folder = await changed(() => undefined)
		await writeFile(join(folder, 'ring.onnx'), new GraphBuilder({ name: 'empty', opset: 20 }).build())
		await expect(pack(folder, fresh(), { key })).rejects.toThrow('"ring.onnx" is no ONNX graph: it has no nodes')
	})

	it('is refused without a model.json', async () => {
		await expect(pack(scratch, fresh(), { key })).rejects.toMatchObject({ code: 'not-found' })
	})

	it('is refused where the channel that is there cannot be read', async () => {
		const out = fresh()
		await mkdir(join(out, 'ring'), { recursive: true })
		await writeFile(join(out, 'ring/channel.jws'), 'x')
		await expect(pack(ring, out, { key })).rejects.toMatchObject({
			code: 'malformed',
			message: expect.stringContaining('repair or remove it'),
		})
		expect(await readdir(out)).toEqual(['ring'])
	})

	it('leaves nothing behind where it cannot write', async () => {
		const out = fresh()
		await mkdir(out)
		// A file stands where a folder must.
		await writeFile(join(out, 'manifests'), '')
		await expect(pack(ring, out, { key })).rejects.toThrow()
		expect((await readdir(out)).filter((name) => name.startsWith('.'))).toEqual([])
		expect(await readdir(out)).not.toContain('ring')
	})
})

describe('key files', () => {
	it('hold a new key that only its owner may read, and are not overwritten', async () => {
		const file = join(scratch, 'new.jwk')
		const made = await writeNewKeyFile(file)
		expect(await readKeyFile(file)).toEqual(made)
		expect((await stat(file)).mode & 0o777).toBe(0o600)
		await expect(writeNewKeyFile(file)).rejects.toMatchObject({ code: 'malformed' })
		expect(await readKeyFile(file)).toEqual(made)
	})

	it('may be PEM', async () => {
		const file = join(scratch, 'key.pem')
		await writeFile(file, createPrivateKey({ key: { ...key }, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }))
		expect(await readKeyFile(file)).toEqual(key)
	})

	it.each([
		['no key', 'hello'],
		['half a secret', '{"kty":"OKP","crv":"Ed25519","d":"very-secret'],
		['a key of another kind', '{"kty":"EC","crv":"P-256","d":"very-secret"}'],
		[
			'a private key that is too short',
			'{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"very-secret"}',
		],
		['PEM that is none', '-----BEGIN PRIVATE KEY-----\nvery-secret\n-----END PRIVATE KEY-----\n'],
	])('are refused with %s, and no message holds the secret', async (_name, text) => {
		const file = join(scratch, 'bad.jwk')
		await writeFile(file, text)
		const error: Any = await readKeyFile(file).catch((reason) => reason)
		expect(error).toMatchObject({ code: 'malformed' })
		expect(JSON.stringify([error.message, error.cause, error.toWire()])).not.toContain('very-secret')
		await expect(readKeyFile(join(scratch, 'none'))).rejects.toMatchObject({ code: 'not-found' })
	})
})
