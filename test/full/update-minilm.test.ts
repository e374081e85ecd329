// What another version of minilm costs a page that has one: the chunks that changed, and its manifest.

import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import { externalTensors } from '../../models/tools/onnx/external.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { getBrowser } from '../browser/launch.ts'
import { openPage, staticHost } from '../browser/page.ts'
import { atEnd } from '../fixtures/at-end.ts'

const shipped = join(import.meta.dirname, '../../models/minilm')

test('a changed head costs less than 0.1 MB, manifest and channel included', async () => {
	const work = await mkdtemp(join(tmpdir(), 'spillway-update-'))
	atEnd(() => rm(work, { recursive: true }))
	const folder = join(work, 'models')
	const key = await generateSigningKey()
	const before = await pack(shipped, folder, { key })
	const site = await staticHost({ folder })
	const page = await openPage(await getBrowser(), site)
	const first = await page.evaluate(async (trust) => {
		window.runtime = window.spillway.createRuntime({ models: '/models/', trust: [trust], policy: 'device-only' })
		window.model = await window.runtime.load('minilm')
		const { vectors, space } = await window.model.embed(['how do I reset my password?'])
		return { vector: [...(vectors[0] as Float32Array)], space }
	}, key.x)
	expect(first.space).toContain(before.digest)

	// What comes last in the model, and in its file.
	const next = join(work, 'next')
	await cp(shipped, next, { recursive: true })
	const description = JSON.parse(await readFile(join(next, 'model.json'), 'utf8'))
	await writeFile(join(next, 'model.json'), JSON.stringify({ ...description, version: '1.0.1' }))
	const head = externalTensors(await readFile(join(next, 'wasm.onnx'))).find(({ name }) => name === 'layers.5.output.shifted.bias')
	const weights = await readFile(join(next, 'weights.bin'))
	const at = head?.offset ?? 0
	weights.writeFloatLE(weights.readFloatLE(at) + 0.01, at)
	await writeFile(join(next, 'weights.bin'), weights)
	const after = await pack(next, folder, { key })
	expect(after).toMatchObject({ version: '1.0.1', versions: ['1.0.0'] })

	site.asked.length = 0
	const second = await page.evaluate(async () => {
		const updated = await window.model.update()
		const { vectors, space } = await window.model.embed(['how do I reset my password?'])
		return { updated, vector: [...(vectors[0] as Float32Array)], space }
	})
	expect(second.updated).toEqual({ version: '1.0.1', changed: true })
	expect(second.space).toContain(after.digest)
	expect(second.vector).not.toEqual(first.vector)
	expect(second.vector.reduce((sum, value, index) => sum + value * (first.vector[index] as number), 0)).toBeGreaterThan(0.999)
	const fetched = await Promise.all(site.asked.map(async (path) => (await stat(join(folder, path.replace('/models/', '')))).size))
	const bytes = fetched.reduce((sum, size) => sum + size, 0)
	console.log(`${bytes} bytes in ${site.asked.length} files, not compressed`)
	expect(site.asked).toHaveLength(3)
	expect(bytes).toBeLessThan(100_000)
})
