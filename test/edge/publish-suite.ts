// What publishing does, whatever it publishes to.

import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createCatalog } from '../../edge/catalog/catalog.ts'
import type { Files } from '../../edge/catalog/files.ts'
import { type Progress, publish } from '../../edge/cli/publish/publish.ts'
import type { Content, Target } from '../../edge/cli/publish/target.ts'
import { type Channel, verifyChannel } from '../../models/format/channel.ts'
import { chunkPath } from '../../models/format/layout.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { temporaryFolder } from './harness/folder.ts'
import { layers } from './harness/layers.ts'
import { type PackedFolder, packModels, writeSource } from './harness/models.ts'

export interface PlaceUnderTest {
	/** Opens it as a publisher does; several may be at work. */
	target(): Target
	/** Opens it as an edge does. */
	files(): Files
	/** Puts other bytes where some are. */
	damage(path: string): Promise<void>
}

const seeds = (first: number): number[] => Array.from({ length: 6 }, (_, at) => first + at)

/** @param make a fresh, empty place. */
export function publishSuite(make: () => Promise<PlaceUnderTest>): void {
	const scratch = temporaryFolder()
	let count = 0
	let place: PlaceUnderTest
	let first: PackedFolder
	beforeAll(async () => {
		first = await packModels([layers('1.0.0', seeds(1))])
	})
	afterAll(() => first.remove())
	/** A copy of it for each test. */
	let packed: PackedFolder
	beforeEach(async () => {
		place = await make()
		const folder = join(scratch.path, `packed-${count++}`)
		await cp(first.folder, folder, { recursive: true })
		packed = { ...first, folder }
	})

	/** Packs another version into the same folder; by default with one changed layer. */
	const packNext = async (version: string, from = [99, ...seeds(2)].slice(0, 6)) =>
		pack(await writeSource(join(scratch.path, `source-${count++}`), layers(version, from)), packed.folder, { key: packed.key })

	/** Every chunk of every version that the place's channel names, read as an edge does. */
	async function readAll(): Promise<Channel | null> {
		const catalog = createCatalog(place.files())
		const found = await catalog.channel('layers')
		if (!found) return null
		for (const { manifest } of [found.channel, ...(found.channel.versions ?? [])]) {
			const stored = await catalog.manifest(manifest)
			if (!stored) throw new Error(`the channel names ${manifest}, which is not there`)
			for (const { digest } of Object.values(stored.manifest.files).flatMap(({ chunks }) => chunks))
				if (!(await catalog.chunk(digest))) throw new Error(`${chunkPath(digest)} is not there`)
		}
		return found.channel
	}

	const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0)

	describe('publishing', () => {
		test('puts everything there, the signed channel included, and tells how far it is', async () => {
			const told: Progress[] = []
			const [published] = await publish(packed.folder, place.target(), { onProgress: (progress) => told.push(progress) })
			expect(published).toMatchObject({ model: 'layers', version: '1.0.0', serial: 1, changed: true, exclusive: true, forgotten: [] })
			expect(published?.missing).toBe(published?.pieces)
			expect(await readAll()).toMatchObject({ version: '1.0.0', manifest: packed.models.layers?.digest })
			const { jws } = (await createCatalog(place.files()).channel('layers')) ?? {}
			await verifyChannel(jws as string, [packed.key.x], { model: 'layers' })
			expect(told.map(({ done }) => done)).toEqual(told.map((_, at) => at + 1))
			expect(told.at(-1)).toEqual({ model: 'layers', done: published?.pieces, all: published?.pieces, sent: published?.sent })
		})

		test('puts compressed forms beside what they stand for', async () => {
			await publish(packed.folder, place.target())
			const catalog = createCatalog(place.files())
			const smaller = (await readdir(join(packed.folder, 'chunks'))).filter((name) => name.endsWith('.br'))
			expect(smaller.length).toBeGreaterThan(0)
			for (const name of smaller) expect(await catalog.compressed(`chunks/${name.slice(0, -3)}`, name.slice(0, -3)), name).not.toBeNull()
		})

		test('again sends nothing and changes nothing', async () => {
			await publish(packed.folder, place.target())
			expect(await publish(packed.folder, place.target())).toMatchObject([{ missing: 0, sent: 0, changed: false }])
		})

		test('another version sends what changed; the one before stays', async () => {
			const [before] = await publish(packed.folder, place.target())
			await packNext('1.1.0')
			const [after] = await publish(packed.folder, place.target())
			expect(after).toMatchObject({ version: '1.1.0', serial: 2, forgotten: [] })
			// One layer, the graph (which names its file only) and the manifest.
			expect(after?.missing).toBeLessThanOrEqual(3)
			expect(after?.sent).toBeLessThan((before?.sent as number) / 3)
			expect(await readAll()).toMatchObject({ version: '1.1.0', versions: [{ version: '1.0.0' }] })
		})

		test('after a cut goes on where it stopped', async () => {
			const [whole] = await publish(packed.folder, (await make()).target())
			const sent: number[] = []
			for (let cut = 3; ; cut += 3) {
				let left = cut
				const target = place.target()
				const failing: Target = {
					...target,
					async write(content: Content) {
						if (left-- <= 0) throw new Error('the connection is cut')
						await target.write(content)
						sent.push(content.bytes.byteLength)
					},
				}
				const ended = await publish(packed.folder, failing).catch((error) => error)
				// Nobody sees a part of it.
				if (ended instanceof Error) expect(await readAll()).toBeNull()
				else break
			}
			expect(await readAll()).toMatchObject({ version: '1.0.0' })
			expect(sum(sent)).toBe(whole?.sent)
		})

		test('puts a manifest there when all its chunks are', async () => {
			const target = place.target()
			let chunks = 0
			const failing: Target = {
				...target,
				async write(content: Content) {
					if (content.path.startsWith('chunks/') && !content.path.endsWith('.br') && ++chunks === 2) {
						// Whatever goes on beside it may come to its end.
						await new Promise((resolve) => setTimeout(resolve, 300))
						throw new Error('the connection is cut')
					}
					await target.write(content)
				},
			}
			await expect(publish(packed.folder, failing)).rejects.toThrow('cut')
			expect(await createCatalog(place.files()).manifest(packed.models.layers?.digest as string)).toBeNull()
		})

		test('mends what is damaged there', async () => {
			await publish(packed.folder, place.target())
			const [chunk] = (await readdir(join(packed.folder, 'chunks'))).filter((name) => !name.endsWith('.br'))
			await place.damage(`chunks/${chunk}`)
			await expect(readAll()).rejects.toMatchObject({ code: 'integrity' })
			expect(await publish(packed.folder, place.target())).toMatchObject([{ missing: 1, changed: false }])
			await readAll()
		})

		test('a damaged folder is refused, and leaves the place as it was', async () => {
			await publish(packed.folder, place.target())
			await packNext('1.1.0', seeds(50))
			const stored = await createCatalog(place.files()).manifest(packed.models.layers?.digest as string)
			const old = new Set(Object.values(stored?.manifest.files ?? {}).flatMap(({ chunks }) => chunks.map(({ digest }) => digest)))
			const fresh = (await readdir(join(packed.folder, 'chunks'))).find((name) => !name.endsWith('.br') && !old.has(name)) as string
			const file = join(packed.folder, 'chunks', fresh)
			const bytes = await readFile(file)
			bytes[5] = (bytes[5] as number) ^ 1
			await writeFile(file, bytes)
			await expect(publish(packed.folder, place.target())).rejects.toMatchObject({
				code: 'integrity',
				message: expect.stringContaining(fresh),
			})
			expect(await readAll()).toMatchObject({ version: '1.0.0', serial: 1 })
		})

		test('while others read: they see whole versions only', async () => {
			await publish(packed.folder, place.target())
			await packNext('1.1.0', seeds(100))
			const seen = new Set<string>()
			let over = false
			const reading = (async () => {
				while (!over) seen.add((await readAll())?.version ?? 'none')
			})()
			await publish(packed.folder, place.target())
			over = true
			await reading
			seen.add((await readAll())?.version ?? 'none')
			expect([...seen]).toEqual(['1.0.0', '1.1.0'])
		})

		test('what is no packed folder, or does not hold the model, is told', async () => {
			const source = await writeSource(join(scratch.path, 'a-source'), layers('1.0.0', [1]))
			await expect(publish(source, place.target())).rejects.toMatchObject({
				code: 'not-found',
				message: expect.stringContaining('spillway pack'),
			})
			await expect(publish(packed.folder, place.target(), { models: ['nobody'] })).rejects.toMatchObject({ code: 'not-found' })
		})
	})

	describe('the serial number', () => {
		/** Another machine, with a folder and a history of its own. */
		const elsewhere = (version: string) => packModels([layers(version, seeds(200))])

		test('that readers would refuse is refused here', async () => {
			await publish(packed.folder, place.target())
			const other = await elsewhere('1.1.0')
			await expect(publish(other.folder, place.target())).rejects.toMatchObject({
				code: 'channel-rollback',
				message: expect.stringContaining('--key'),
			})
			expect(await readAll()).toMatchObject({ version: '1.0.0', serial: 1 })
			await other.remove()
		})

		test('is the next one of the place with a key, and the versions of both stay', async () => {
			await packNext('1.0.1')
			await publish(packed.folder, place.target())
			const other = await elsewhere('1.1.0')
			expect(
				await publish(other.folder, place.target(), { key: packed.key, expiresIn: 86_400_000, now: Date.UTC(2030, 0, 1) }),
			).toMatchObject([{ version: '1.1.0', serial: 3, expires: Date.UTC(2030, 0, 2), forgotten: [] }])
			expect(await readAll()).toMatchObject({ versions: [{ version: '1.0.1' }, { version: '1.0.0' }] })
			const { jws } = (await createCatalog(place.files()).channel('layers')) ?? {}
			await verifyChannel(jws as string, [packed.key.x], { model: 'layers', lastSerial: 2, now: Date.UTC(2030, 0, 1) })
			await other.remove()
		})

		test('stays when the same version is signed anew', async () => {
			await publish(packed.folder, place.target())
			expect(await publish(packed.folder, place.target(), { key: packed.key, now: Date.UTC(2031, 0, 1) })).toMatchObject([
				{ serial: 1, changed: true, missing: 0 },
			])
		})

		test('a version that is withdrawn is told', async () => {
			await packNext('1.1.0')
			await publish(packed.folder, place.target())
			// The older one becomes current again.
			const back = await pack(await writeSource(join(scratch.path, 'back'), layers('1.0.0', seeds(1))), packed.folder, { key: packed.key })
			expect(await publish(packed.folder, place.target())).toMatchObject([{ version: '1.0.0', serial: back.serial, forgotten: ['1.1.0'] }])
			expect(await readAll()).toMatchObject({ version: '1.0.0', serial: 3 })
		})
	})

	describe('two publishers at once', () => {
		test('do not overwrite one another: who comes second is told, and goes on from there', async () => {
			await publish(packed.folder, place.target())
			const others = await Promise.all(
				['1.1.0', '1.2.0', '1.3.0'].map((version, at) => packModels([layers(version, seeds(300 + 20 * at))])),
			)
			// Each has read the channel before any of them writes.
			let ready = 0
			const together = (): Target => {
				const target = place.target()
				return {
					...target,
					async swap(content: Content, tag: string | null) {
						ready++
						while (ready < others.length) await new Promise((resolve) => setTimeout(resolve, 5))
						return target.swap(content, tag)
					},
				}
			}
			const ended = await Promise.allSettled(others.map(({ folder }) => publish(folder, together(), { key: packed.key })))
			expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
			for (const end of ended) if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'channel-rollback' })
			expect(await readAll()).toMatchObject({ serial: 2, versions: [{ version: '1.0.0' }] })
			for (const [at, { folder }] of others.entries())
				if (ended[at]?.status === 'rejected')
					expect(await publish(folder, place.target(), { key: packed.key })).toMatchObject([{ missing: 0 }])
			expect(await readAll()).toMatchObject({ serial: 4 })
			for (const other of others) await other.remove()
		})
	})
}
