// Packing into a folder again: the same bytes for the same model, and only what is new for another version.

import { copyFile, mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readChannel } from '../../models/format/channel.ts'
import { chunkPath, manifestPath } from '../../models/format/layout.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { changed, contentOf, fresh, key, now, ring } from './pack-ring.ts'

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
