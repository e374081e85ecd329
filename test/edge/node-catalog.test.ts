// Distribution and pages by the edge on Node; and what a damaged folder does to it.

import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../models/format/digest.ts'
import { makeRing } from '../fixtures/ring/make.ts'
import { catalogSuite } from './catalog-suite.ts'
import { temporaryFolder } from './harness/folder.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { expectRing } from './harness/ring.ts'
import { pagesSuite } from './pages-suite.ts'
import { suiteConfig } from './suites/under-test.ts'

const folder = temporaryFolder()
const config = { ...suiteConfig, models: { ring: {} } }

let packed: PackedFolder
let edge: RunningNode
beforeAll(async () => {
	packed = await packModels([await makeRing(join(folder.path, 'ring'))])
	edge = await startNode({ config, models: packed.folder, state: join(folder.path, 'state') })
})
afterAll(async () => {
	await edge?.close()
	await packed?.remove()
})

const keyOf = async () => JSON.parse(await readFile(join(folder.path, 'state/signing-key.json'), 'utf8')) as { x: string }

let trust: string
beforeAll(async () => {
	trust = (await keyOf()).x
})

catalogSuite(() => ({ url: edge.url, packed, trust }), { model: 'ring', file: 'ring-weights.bin' })
pagesSuite(() => ({ url: edge.url, trust }))

describe('the state folder', () => {
	test('has a signing key that its owner alone can read, and that the next start uses', async () => {
		expect((await stat(join(folder.path, 'state/signing-key.json'))).mode & 0o777).toBe(0o600)
		const again = await startNode({ config, models: packed.folder, state: join(folder.path, 'state') })
		const jwks = (await (await fetch(`${again.url}/.well-known/jwks.json`)).json()) as { keys: { x: string }[] }
		expect(jwks.keys.map(({ x }) => x)).toEqual([trust])
		await again.close()
	})
})

describe('a damaged chunk', () => {
	test('is never handed out, and its error is not kept by any cache', async () => {
		const [chunk] = (await readdir(join(packed.folder, 'chunks'))).filter((name) => !name.includes('.'))
		const file = join(packed.folder, 'chunks', chunk as string)
		const good = await readFile(file)
		const bad = Buffer.from(good)
		bad[7] = (bad[7] as number) ^ 1
		await writeFile(file, bad)
		const response = await fetch(`${edge.url}/models/chunks/${chunk}`)
		expect(response.status).toBe(500)
		expect(response.headers.get('cache-control')).toBe('no-store')
		expect(((await response.json()) as { code: string }).code).toBe('integrity')
		await writeFile(file, good)
		expect((await fetch(`${edge.url}/models/chunks/${chunk}`)).status).toBe(200)
	})

	test('in its compressed form is left aside: the plain one is sent', async () => {
		const [form] = (await readdir(join(packed.folder, 'chunks'))).filter((name) => name.endsWith('.br')) as [string]
		const other = (await readdir(join(packed.folder, 'chunks'))).find((name) => name.endsWith('.br') && name !== form) as string
		const file = join(packed.folder, 'chunks', form)
		const good = await readFile(file)
		const chunk = form.slice(0, -3)
		const get = () => fetch(`${edge.url}/models/chunks/${chunk}`, { headers: { 'accept-encoding': 'br' } })
		expect((await get()).headers.get('content-encoding')).toBe('br')
		for (const bad of [Buffer.from('no brotli'), good.subarray(0, -1), await readFile(join(packed.folder, 'chunks', other))]) {
			await writeFile(file, bad)
			const response = await get()
			expect(response.headers.get('content-encoding')).toBeNull()
			expect(await digestOf(new Uint8Array(await response.arrayBuffer()))).toBe(chunk)
		}
		await writeFile(file, good)
		expect((await get()).headers.get('content-encoding')).toBe('br')
	})
})

test('raw tensors of a model without task or batch are answered', () => expectRing(edge.url, 'cpu'))
