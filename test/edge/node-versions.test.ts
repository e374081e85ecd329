// New versions of a model, and models that cannot be loaded, at a running edge on Node.

import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createCatalog } from '../../edge/catalog/catalog.ts'
import { loadConfig } from '../../edge/config/load.ts'
import type { EdgeConfigInput } from '../../edge/config/schema.ts'
import type { ServedModel } from '../../edge/parts.ts'
import { folder } from '../../edge/platform/node/folder.ts'
import { inProcess } from '../../edge/platform/node/in-process.ts'
import { type OwnedModels, servedModels } from '../../edge/platform/served.ts'
import type { Description } from '../../models/format/manifest.ts'
import { toTensorData } from '../../models/format/tensor-data.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import type { Call } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { filesOf, textDescription } from '../runtime/tiny.ts'
import { temporaryFolder } from './harness/folder.ts'
import { context } from './harness/minilm.ts'
import { type PackedFolder, packModels, writeSource } from './harness/models.ts'

const scratch = temporaryFolder()
let count = 0

let packed: PackedFolder
let cache: string
const opened: OwnedModels[] = []
beforeEach(async () => {
	packed = await packModels([source(textDescription('1.0.0'))])
	cache = join(scratch.path, `cache-${count++}`)
})
afterEach(async () => {
	for (const models of opened.splice(0)) await models.dispose()
	await packed.remove()
})

const source = (description: Description) => ({ description, files: filesOf(description) })
const call: Call = { kind: 'task', model: { name: 'tiny-text' }, task: 'embed', input: ['hello world'] }

function open(file: EdgeConfigInput = { models: { 'tiny-text': {} } }): OwnedModels {
	const catalog = createCatalog(folder(packed.folder), { refresh: 0 })
	const models = servedModels({
		config: loadConfig({ file }),
		catalog,
		where: packed.folder,
		provider: 'cpu',
		inProcess: (version) => inProcess(version, { catalog, cache }),
		upstreams: async () => [],
	})
	opened.push(models)
	return models
}

const publish = async (description: Description) =>
	pack(await writeSource(join(scratch.path, `source-${count++}`), source(description)), packed.folder, { key: packed.key })

const infer = async (models: OwnedModels) => {
	const { executor } = (await models.get('tiny-text')) as ServedModel
	return executor.infer({ ...call, model: { name: 'tiny-text' } }, context())
}

/** The same model with golden outputs that it does not answer. */
function wrong(version: string): Description {
	const description = textDescription(version)
	const variant = description.variants.fp32
	const golden = variant?.golden[0]
	if (golden) golden.outputs.vector = toTensorData(tensor('FP32', [1, 4], Float32Array.of(1, -1, 1, -1)))
	return description
}

test('a model of the configuration that is not in the folder is not the fault of who asks for it', async () => {
	const models = open({ models: { 'tiny-text': {}, absent: {} } })
	await expect(models.get('absent')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(packed.folder) })
	expect(await models.get('unheard-of')).toBeUndefined()
	expect((await models.list()).map(({ name }) => name)).toEqual(['tiny-text'])
	await expect(models.loaded()).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining(packed.folder) })
	// It may come later.
	await publish({ ...textDescription('1.0.0'), model: 'absent' })
	expect(await models.get('absent')).toMatchObject({ name: 'absent' })
})

describe('a new version', () => {
	test('takes over when it is ready; until then the one before answers', async () => {
		const models = open()
		expect((await infer(models)).ran.version).toBe('1.0.0')
		await publish(textDescription('1.0.1'))
		// The call that meets it first is not made to wait for it.
		expect((await infer(models)).ran.version).toBe('1.0.0')
		await expect.poll(async () => (await infer(models)).ran.version).toBe('1.0.1')
		// Both are published: who asks for the one before gets it.
		expect((await models.get('tiny-text', '1.0.0'))?.version).toBe('1.0.0')
	})

	test('that fails its golden samples never takes over, and why is told once', async () => {
		const told = vi.spyOn(console, 'error').mockImplementation(() => {})
		onTestFinished(() => told.mockRestore())
		const models = open()
		await infer(models)
		await publish(wrong('1.0.1'))
		for (let i = 0; i < 10; i++) {
			expect((await infer(models)).ran.version).toBe('1.0.0')
			await new Promise((resolve) => setTimeout(resolve, 20))
		}
		expect(told.mock.calls).toEqual([[expect.stringMatching(/^tiny-text 1\.0\.1 cannot be served: .*golden/)]])
		// One bad version before a good one.
		await publish(textDescription('1.0.2'))
		await expect.poll(async () => (await infer(models)).ran.version).toBe('1.0.2')
	})

	test('that fails its golden samples at a start is stood in for by the newest that does not', async () => {
		const told = vi.spyOn(console, 'error').mockImplementation(() => {})
		onTestFinished(() => told.mockRestore())
		for (const version of ['1.0.1', '1.0.2']) await publish(version === '1.0.2' ? wrong(version) : textDescription(version))
		const models = open()
		await expect
			.poll(
				() =>
					infer(models).then(
						({ ran }) => ran.version,
						({ code }) => code,
					),
				{ timeout: 20_000 },
			)
			.toBe('1.0.1')
		expect(told).toHaveBeenCalledWith(expect.stringMatching(/^tiny-text 1\.0\.2 cannot be served: .*golden/))
		// It never takes over.
		for (let i = 0; i < 5; i++) expect((await infer(models)).ran.version).toBe('1.0.1')
		expect(await (await models.get('tiny-text'))?.ready()).toBe(true)
	})

	test('whose channel cannot be read leaves the last good one answering', async () => {
		const models = open()
		await infer(models)
		await writeFile(join(packed.folder, 'tiny-text/channel.jws'), 'torn')
		expect((await infer(models)).ran.version).toBe('1.0.0')
	})

	test('leaves nothing in the cache of versions that are not published any more', async () => {
		const models = open()
		await infer(models)
		const { digest: replaced } = await publish(textDescription('1.0.1'))
		await expect.poll(async () => (await infer(models)).ran.version).toBe('1.0.1')
		// The same version, packed again: other bytes under its name, and a version after it.
		await publish({ ...textDescription('1.0.1'), description: 'packed again' })
		const { digest } = await publish(textDescription('1.0.2'))
		await expect.poll(async () => (await infer(models)).ran.version).toBe('1.0.2')
		const cached = await readdir(join(cache, 'tiny-text'))
		expect(cached).toContain(digest)
		// The one that answered before stays: it can be gone back to.
		expect(cached).toContain(replaced)
		const longAgo = new Date(Date.now() - 3_600_000)
		await utimes(join(cache, 'tiny-text', replaced), longAgo, longAgo)
		for (const next of ['1.0.3', '1.0.4']) {
			await publish(textDescription(next))
			await expect.poll(async () => (await infer(models)).ran.version).toBe(next)
		}
		expect(await readdir(join(cache, 'tiny-text'))).not.toContain(replaced)
	})
})

describe('several versions at once', () => {
	test('who asks for a vector space gets the version that it is of, whatever the weights say', async () => {
		await publish(textDescription('1.0.1'))
		const models = open({ models: { 'tiny-text': { versions: { split: [{ version: '1.0.0', weight: 1 }] } } } })
		const digests = (await models.versions('tiny-text')?.plan())?.channel
		const spaceOf = (digest = '') => `tiny-text@${digest}/fp32`
		expect((await models.get('tiny-text'))?.version).toBe('1.0.0')
		for (const [version, digest] of [
			['1.0.1', digests?.manifest],
			['1.0.0', digests?.versions?.[0]?.manifest],
		])
			expect((await models.get('tiny-text', undefined, { space: spaceOf(digest) }))?.version).toBe(version)
		// One that nobody has is for the protocol to refuse.
		expect((await models.get('tiny-text', undefined, { space: spaceOf('f'.repeat(64)) }))?.version).toBe('1.0.0')
	})

	test('runs are of the size that is configured for the model', async () => {
		const models = open({ models: { 'tiny-text': { rowsPerRun: 2, batchWait: 0, threads: 1 } } })
		const { executor } = (await models.get('tiny-text')) as ServedModel
		const input = ['hello', 'world', 'how', 'are', 'you']
		const { ran } = await executor.infer({ kind: 'task', model: { name: 'tiny-text' }, task: 'embed', input }, context())
		expect(ran.batch).toBe(2)
	})
})

describe('a model that cannot be loaded', () => {
	test('tells why at each call, and at the start', async () => {
		await packed.remove()
		packed = await packModels([source(wrong('1.0.0'))])
		const models = open()
		await expect(models.loaded()).rejects.toMatchObject({ code: 'golden-mismatch' })
		await expect(infer(models)).rejects.toMatchObject({ code: 'golden-mismatch' })
		expect(await (await models.get('tiny-text'))?.ready()).toBe(false)
	})

	test('is loaded at a later call once it can be', async () => {
		const chunks = join(packed.folder, 'chunks')
		const broken = await Promise.all((await readdir(chunks)).map(async (name) => ({ name, bytes: await readFile(join(chunks, name)) })))
		for (const { name, bytes } of broken) await writeFile(join(chunks, name), Buffer.from(bytes).fill(0, 0, 1))
		const models = open()
		await expect(infer(models)).rejects.toMatchObject({ code: 'integrity' })
		for (const { name, bytes } of broken) await writeFile(join(chunks, name), bytes)
		await expect.poll(() => infer(models).then(({ ran }) => ran.version)).toBe('1.0.0')
	})

	test('for want of a graph for this platform says so', async () => {
		const description = textDescription()
		delete description.variants.fp32?.graphs.cpu
		await packed.remove()
		packed = await packModels([source(description)])
		await expect(open().get('tiny-text')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('cpu') })
	})
})

describe('the cache of assembled files', () => {
	test('is shared by processes: what another one is about to load stays', async () => {
		const other = join(cache, 'tiny-text', 'f'.repeat(64))
		await mkdir(other, { recursive: true })
		await writeFile(join(other, 'graph.onnx'), 'half of it')
		await infer(open())
		expect(await readFile(join(other, 'graph.onnx'), 'utf8')).toBe('half of it')
	})

	test('is verified at each start: a flipped byte is repaired, not run', async () => {
		await infer(open())
		const digest = packed.models['tiny-text']?.digest as string
		const file = join(cache, 'tiny-text', digest, 'graph.onnx')
		const good = await readFile(file)
		const bad = Buffer.from(good)
		bad[bad.length >> 1] = (bad[bad.length >> 1] as number) ^ 1
		await writeFile(file, bad)
		expect((await infer(open())).ran.version).toBe('1.0.0')
		expect(await readFile(file)).toEqual(good)
	})
})

test('many calls at once share one load, and those that give up leave it to the others', async () => {
	const models = open()
	const { executor } = (await models.get('tiny-text')) as ServedModel
	const left = new AbortController()
	const calls = Array.from({ length: 20 }, (_, index) =>
		executor.infer(call, { ...context(), ...(index === 0 && { signal: left.signal }), ...(index === 1 && { remaining: 1 }) }),
	)
	left.abort()
	const settled = await Promise.allSettled(calls)
	expect(settled.slice(0, 2).map((one) => one.status === 'rejected' && one.reason.code)).toEqual(['aborted', 'deadline-exceeded'])
	expect(settled.slice(2).every(({ status }) => status === 'fulfilled')).toBe(true)
})
