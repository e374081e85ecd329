// The catalogue over a folder: what it believes, for how long, and what it refuses to hand out; and how channels are signed anew.

import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCatalog } from '../../edge/catalog/catalog.ts'
import { createChannels } from '../../edge/catalog/channels.ts'
import type { Files } from '../../edge/catalog/files.ts'
import { distribution } from '../../edge/catalog/routes.ts'
import { streamFile } from '../../edge/catalog/whole-file.ts'
import { folder } from '../../edge/platform/node/folder.ts'
import { verifyChannel } from '../../models/format/channel.ts'
import { generateSigningKey } from '../../models/format/keys.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { filesOf, pixelDescription, textDescription } from '../runtime/tiny.ts'
import { type PackedFolder, packModels, writeSource } from './harness/models.ts'

const source = (description = textDescription()) => ({ description, files: filesOf(description) })

let packed: PackedFolder
beforeAll(async () => {
	packed = await packModels([source(), source(pixelDescription())])
})
afterAll(() => packed.remove())

describe('a catalogue', () => {
	test('gives channel, manifest and chunks, and null for what is not there', async () => {
		const catalog = createCatalog(folder(packed.folder))
		const { channel } = (await catalog.channel('tiny-text')) ?? {}
		expect(channel).toMatchObject({ model: 'tiny-text', version: '1.0.0', serial: 1 })
		const { manifest } = (await catalog.manifest(channel?.manifest as string)) ?? {}
		expect(manifest?.model).toBe('tiny-text')
		const [chunk] = manifest?.files['graph.onnx']?.chunks ?? []
		expect((await catalog.chunk(chunk?.digest as string))?.byteLength).toBe(chunk?.size)

		const unknown = '0'.repeat(64)
		expect(await catalog.channel('nobody')).toBeNull()
		expect(await catalog.manifest(unknown)).toBeNull()
		expect(await catalog.chunk(unknown)).toBeNull()
	})

	test('notices a new channel, but does not look at each request', async () => {
		const own = await packModels([source()])
		let now = 0
		const catalog = createCatalog(folder(own.folder), { refresh: 5000, now: () => now })
		expect((await catalog.channel('tiny-text'))?.channel.version).toBe('1.0.0')
		await pack(await writeSource(join(own.folder, '../next'), source(textDescription('1.0.1'))), own.folder, { key: own.key })
		now = 4999
		expect((await catalog.channel('tiny-text'))?.channel.version).toBe('1.0.0')
		now = 5000
		expect((await catalog.channel('tiny-text'))?.channel).toMatchObject({ version: '1.0.1', serial: 2 })
		await own.remove()
	})

	describe('whose storage', () => {
		const slow = (delay: () => number): Files => {
			const files = folder(packed.folder)
			return {
				async get(path) {
					await new Promise((resolve) => setTimeout(resolve, Math.max(0, delay())))
					if (delay() < 0) throw new Error('it is away')
					return files.get(path)
				},
			}
		}

		test('is away goes on with the last channel, and asks again later', async () => {
			let delay = 0
			let [now, asked] = [0, 0]
			const files = slow(() => delay)
			const counting: Files = {
				get(path) {
					asked++
					return files.get(path)
				},
			}
			const catalog = createCatalog(counting, { refresh: 5000, now: () => now })
			const first = await catalog.channel('tiny-text')
			delay = -1
			for (now of [6000, 7000, 10_999]) expect(await catalog.channel('tiny-text')).toBe(first)
			expect(asked).toBe(2)
			now = 11_000
			expect(await catalog.channel('tiny-text')).toBe(first)
			expect(asked).toBe(3)
			// Who never had it is told.
			await expect(createCatalog(counting).channel('tiny-text')).rejects.toThrow('it is away')
		})

		test('hangs does not make calls wait', async () => {
			let delay = 0
			const catalog = createCatalog(
				slow(() => delay),
				{ refresh: 0, patience: 20 },
			)
			const first = await catalog.channel('tiny-text')
			delay = 30_000
			expect(await catalog.channel('tiny-text')).toBe(first)
		})
	})

	test('refuses what is damaged: a flipped byte in a chunk, in a manifest, a channel that is none', async () => {
		const own = await packModels([source()])
		const catalog = createCatalog(folder(own.folder), { refresh: 0 })
		const [chunk] = await readdir(join(own.folder, 'chunks'))
		await flipByte(join(own.folder, 'chunks', chunk as string))
		await expect(catalog.chunk(chunk as string)).rejects.toMatchObject({ code: 'integrity' })
		const digest = own.models['tiny-text']?.digest as string
		await flipByte(join(own.folder, 'manifests', `${digest}.json`))
		await expect(catalog.manifest(digest)).rejects.toMatchObject({ code: 'integrity' })
		await writeFile(join(own.folder, 'tiny-text', 'channel.jws'), 'no.channel.at all')
		await expect(catalog.channel('tiny-text')).rejects.toMatchObject({ code: 'integrity' })
		await own.remove()
	})

	test('a file whose chunk is missing breaks off: it is never served as whole', async () => {
		const own = await packModels([source()])
		const catalog = createCatalog(folder(own.folder))
		const stored = await catalog.manifest(own.models['tiny-text']?.digest as string)
		const file = stored?.manifest.files['graph.onnx']
		if (!file) throw new Error('no such file')
		await rm(join(own.folder, 'chunks', file.chunks[0]?.digest as string))
		await expect(new Response(streamFile(catalog, file, { start: 0, end: file.size })).arrayBuffer()).rejects.toMatchObject({
			code: 'not-found',
		})
		await own.remove()
	})

	test('gives whole files of every version that the channel names, and of no other', async () => {
		const own = await packModels([source()])
		const next = textDescription('1.1.0')
		const files = {
			...filesOf(next),
			'tokenizer.json': new TextEncoder().encode(`${new TextDecoder().decode(filesOf(next)['tokenizer.json'])}\n`),
		}
		await pack(await writeSource(join(own.folder, '../next'), { description: next, files }), own.folder, { key: own.key })
		const catalog = createCatalog(folder(own.folder))
		const app = distribution({ catalog, channels: createChannels({ catalog, key: undefined, expiresIn: 1 }), keys: [] })
		const get = (version: string) => app.request(`/models/tiny-text/${version}/files/tokenizer.json`)
		expect(new Uint8Array(await (await get('1.1.0')).arrayBuffer())).toEqual(files['tokenizer.json'])
		expect(new Uint8Array(await (await get('1.0.0')).arrayBuffer())).toEqual(
			new Uint8Array(filesOf(textDescription())['tokenizer.json'] as Uint8Array),
		)
		app.onError((error) => new Response(error.message, { status: 404 }))
		for (const version of ['1.2.0', '^1', '1', 'constructor']) {
			const response = await get(version)
			expect([response.status, await response.text()], version).toEqual([404, expect.stringContaining('here as 1.1.0, 1.0.0')])
		}
		await own.remove()
	})
})

describe('channels', () => {
	const day = 86_400_000

	test('are signed by the edge, with the packed serial number', async () => {
		const key = await generateSigningKey()
		const now = Date.UTC(2030, 0, 1)
		const channels = createChannels({ catalog: createCatalog(folder(packed.folder)), key, expiresIn: 90 * day, now: () => now })
		const channel = await verifyChannel((await channels('tiny-text')) ?? '', [key.x], { model: 'tiny-text', now })
		expect(channel).toMatchObject({ serial: 1, version: '1.0.0', manifest: packed.models['tiny-text']?.digest })
		expect(await channels('nobody')).toBeNull()
	})

	test('are signed anew before half their life is over, and all edges with one key sign the same bytes', async () => {
		const key = await generateSigningKey()
		let now = Date.UTC(2030, 0, 1)
		const make = () => createChannels({ catalog: createCatalog(folder(packed.folder)), key, expiresIn: 10 * day, now: () => now })
		const [one, other] = [make(), make()]
		let last: string | null = null
		let signed = 0
		for (let hour = 0; hour < 30 * 24; hour += 6, now += 6 * 3_600_000) {
			const jws = await one('tiny-text')
			expect(await other('tiny-text')).toBe(jws)
			const { expires } = await verifyChannel(jws ?? '', [key.x], { model: 'tiny-text', now })
			expect(expires * 1000 - now).toBeGreaterThanOrEqual(5 * day)
			if (jws !== last) signed++
			last = jws
		}
		expect(signed).toBeLessThanOrEqual(7)
	})

	test('are handed out as they were packed where the edge has no key', async () => {
		const channels = createChannels({ catalog: createCatalog(folder(packed.folder)), key: undefined, expiresIn: day })
		const jws = await readFile(join(packed.folder, 'tiny-text', 'channel.jws'), 'utf8')
		expect(await channels('tiny-text')).toBe(jws.trim())
		await verifyChannel(jws, [packed.key.x], { model: 'tiny-text' })
	})
})

async function flipByte(file: string): Promise<void> {
	const bytes = await readFile(file)
	bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
	await writeFile(file, bytes)
}
