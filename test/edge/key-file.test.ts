// The signing key that the edge makes at its first start.

import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keyFile } from '../../edge/state/key-file.ts'

let folder: string
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'spillway-key-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('all that start at the same time have the same key', async () => {
	const file = join(folder, 'state/signing-key.json')
	const keys = await Promise.all(Array.from({ length: 50 }, () => keyFile(file)))
	const { x } = JSON.parse(await readFile(file, 'utf8'))
	expect(new Set(keys.map((key) => key.x))).toEqual(new Set([x]))
	expect(await readdir(join(folder, 'state'))).toEqual(['signing-key.json'])
	if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o600)
	expect((await keyFile(file)).x).toBe(x)
})

test('nobody sees it half written', async () => {
	for (let round = 0; round < 100; round++) {
		const file = join(folder, `${round}/signing-key.json`)
		let made = false
		const making = keyFile(file).finally(() => {
			made = true
		})
		while (!made) {
			if (existsSync(file)) expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('x')
			await new Promise((resolve) => setImmediate(resolve))
		}
		await making
	}
})

test('a file that holds no key is told, and left as it is', async () => {
	const file = join(folder, 'signing-key.json')
	await writeFile(file, '')
	await expect(keyFile(file)).rejects.toMatchObject({ code: expect.any(String), message: expect.stringContaining(file) })
	expect(await readFile(file, 'utf8')).toBe('')
})
