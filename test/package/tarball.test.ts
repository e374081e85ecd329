// The package as it would be published: what is in it, how large, and whether tools and types find their way.

import { readFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { gzipSync } from 'node:zlib'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from './repository.ts'
import { packed, type Tarball } from './tarball.ts'

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
	exports: Record<string, string | { types?: string; default: string }>
	bin: Record<string, string>
	dependencies?: unknown
	peerDependencies: Record<string, string>
	peerDependenciesMeta: Record<string, { optional?: boolean }>
}

let tarball: Tarball

beforeAll(async () => {
	tarball = await packed()
}, 60_000)

afterAll(() => rm(tarball.folder, { recursive: true, force: true }))

describe('contents', () => {
	test('only what users need: built code with types, licences, readme, changelog', () => {
		const wanted =
			/^(package\.json|LICENSE|README\.md|CHANGELOG\.md|dist\/docs\/swagger-ui(-bundle\.js|\.css)(\.br)?|dist\/script\/[^/]+\.(js|wasm)\.br|dist\/(runtime|script|edge|models\/(format|tools))\/.*\.(js|mjs|d\.ts|d\.mts|wasm|js\.licenses\.md))$/
		expect(tarball.paths.filter((path) => !wanted.test(path))).toEqual([])
	})

	test('everything that package.json names is there', () => {
		const targets = Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
		const named = [...targets, ...Object.values(manifest.bin)].map((path) => normalize(path))
		expect(named.filter((path) => !tarball.paths.includes(path))).toEqual([])
	})

	test.each(['dist/runtime', 'dist/script'])('%s is complete: entry, edge, engine, sessions, ONNX Runtime', (folder) => {
		const scripts = [
			'spillway.js',
			'edge.js',
			'engine.js',
			'session.js',
			'start.js',
			'gpu-jspi.js',
			'gpu-asyncify.js',
			'tabs.js',
			'telemetry.js',
		]
		for (const file of [
			...scripts,
			'ort-wasm-simd-threaded.wasm',
			'ort-wasm-simd-threaded.jspi.wasm',
			'ort-wasm-simd-threaded.asyncify.wasm',
		])
			expect(tarball.paths).toContain(`${folder}/${file}`)
	})

	// ONNX Runtime for processors and two for GPUs, 3.7, 4.1 and 6.6 MB, each in two folders: either can be served as it is. With the script also 10 MB of
	// compressed forms, which an edge sends.
	test('the download stays under 42 MB', () => expect(tarball.size).toBeLessThan(42e6))
})

describe('what a page loads first', () => {
	// The entry for GPUs names three more files.
	test.each([
		['dist/script/spillway.js', 8000],
		['dist/runtime/spillway.js', 8400],
		['dist/runtime/webgpu.js', 8500],
	])('%s is at most %i bytes, minified and gzipped', (file, most) => {
		expect(gzipSync(readFileSync(join(root, file)), { level: 9 }).byteLength).toBeLessThanOrEqual(most)
	})
})

describe('what tools make of it', () => {
	test('publint has nothing to say', async () => {
		const data = await readFile(tarball.file)
		const { messages, pkg } = await publint({ pack: { tarball: arrayBufferOf(data) } })
		expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
	})

	test('are the types wrong? They are not, for bundlers and for Node', { timeout: 60_000 }, async () => {
		const analysis = await checkPackage(createPackageFromTarballData(await readFile(tarball.file)))
		if (!analysis.types) throw new Error('the package has no types')
		// The old resolution of Node 10 knows no subpath exports; `require` of a module is Node's own; the script tag's file has no types.
		const problems = analysis.problems.filter(
			(problem) =>
				!('resolutionKind' in problem && ['node10', 'node16-cjs'].includes(problem.resolutionKind)) &&
				!('entrypoint' in problem && problem.entrypoint === './script'),
		)
		expect(problems).toEqual([])
	})
})

describe('dependencies', () => {
	test('none: what a page needs is built in', () => expect(manifest.dependencies).toBeUndefined())

	test('every peer is optional', () => {
		for (const name of Object.keys(manifest.peerDependencies)) expect(manifest.peerDependenciesMeta[name], name).toEqual({ optional: true })
	})

	test('what edge, tools and command line import is declared, and nothing else', () => {
		const entries = Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [] : [target.default]))
		const imported = packagesFrom([...entries, ...Object.values(manifest.bin)])
		expect([...imported].sort()).toEqual(Object.keys(manifest.peerDependencies).sort())
	})

	test("the page's types need no other package", () => {
		expect([...packagesFrom(['dist/runtime/index.d.ts'])]).toEqual([])
	})
})

/** Names of the packages that these files import, and the files that they import. */
function packagesFrom(files: readonly string[]): Set<string> {
	const found = new Set<string>()
	const seen = new Set<string>()
	const visit = (file: string) => {
		if (seen.has(file)) return
		seen.add(file)
		const text = readFileSync(join(root, file), 'utf8')
		for (const [, name = ''] of text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*['"]([^'"\n]+)['"]/g)) {
			if (name.startsWith('.')) visit(builtFrom(file, name))
			// The text of proto files, which import one another, is served, too.
			else if (!name.startsWith('node:') && !name.startsWith('cloudflare:') && !name.endsWith('.proto'))
				found.add(name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
		}
	}
	for (const file of files) visit(normalize(file))
	return found
}

/** Declarations name each other as sources. */
function builtFrom(file: string, name: string): string {
	const path = normalize(join(dirname(file), name))
	return file.endsWith('.d.ts') ? path.replace(/\.[jt]s$/, '.d.ts') : path
}

const arrayBufferOf = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer
