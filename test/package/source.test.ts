// What holds for the source as a whole: form, types, and nothing of the machine it was written on.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { biome, root, run } from './repository.ts'

const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '..', 'bin', 'tsc')

test('lint and format: biome has nothing to say', async () => {
	const { code, stdout, stderr } = await run(biome, ['ci', '--error-on-warnings', '--colors=off'], root)
	expect(code, stdout + stderr).toBe(0)
})

test('types: tsc has nothing to say', { timeout: 120_000 }, async () => {
	const { code, stdout } = await run(tsc, ['-p', root], root)
	expect(code, stdout).toBe(0)
})

/** Tracked text files. */
function tracked(): { file: string; text: string }[] {
	const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
		.split('\0')
		.filter((file) => file && existsSync(join(root, file)))
	return files
		.map((file) => ({ file, bytes: readFileSync(join(root, file)) }))
		.filter(({ bytes }) => !bytes.subarray(0, 8192).includes(0))
		.map(({ file, bytes }) => ({ file, text: bytes.toString('utf8') }))
}

test('no tracked file names a folder of the machine it was written on', () => {
	const homes = /(?<![\w.~-])\/(?:home|root|Users|work|farm|workspace)\/[\w.-]+/
	expect(tracked().flatMap(({ file, text }) => text.match(homes)?.map((found) => `${file}: ${found}`) ?? [])).toEqual([])
})

test('the lock files name no registry: whatever npm is set to is used', () => {
	const locks = tracked().filter(({ file }) => file.endsWith('package-lock.json'))
	expect(locks.length).toBeGreaterThan(0)
	expect(locks.filter(({ text }) => /"resolved"|https?:\/\/registry/.test(text)).map(({ file }) => file)).toEqual([])
})

test('links between documents lead somewhere', () => {
	const lost = tracked()
		.filter(({ file }) => file.endsWith('.md'))
		.flatMap(({ file, text }) =>
			[...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
				.map(([, link = '']) => link)
				.filter((link) => !existsSync(join(root, dirname(file), link)))
				.map((link) => `${file}: ${link}`),
		)
	expect(lost).toEqual([])
})

test('every dependency has an exact version', () => {
	const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> }
	for (const [name, version] of Object.entries(devDependencies)) expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
})

test('the lock file has an entry for every platform of each package, without which npm ci refuses it', () => {
	const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
		packages: Record<string, { optionalDependencies?: Record<string, string> }>
	}
	const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
		Object.keys(optionalDependencies)
			.filter((name) => !packages[`${path}/node_modules/${name}`] && !packages[`node_modules/${name}`])
			.map((name) => `${path}: ${name}`),
	)
	expect(missing).toEqual([])
})
