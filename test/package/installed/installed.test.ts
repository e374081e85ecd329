// The published package in somebody's project: bundled, in development, on a server, under TypeScript; and what each way to install it costs a page.

import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { createServer } from 'vite'
import { beforeAll, describe, expect, test } from 'vitest'
import { getBrowser } from '../../browser/launch.ts'
import { type Models, packModels } from '../../browser/models.ts'
import { type Site, serveSite } from '../../browser/site.ts'
import { expectedVector } from '../../runtime/tiny.ts'
import { run } from '../repository.ts'
import { type Bundle, withEsbuild, withRollup, withVite, withWebpack } from './bundlers.ts'
import { addPage, makeProject } from './project.ts'

let browser: Browser
let models: Models
/** Of the models, on another origin. */
let host: Site
let project: string

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	host = await serveSite({ mounts: { '/models/': `${models.folder}/` } })
	project = await makeProject()
})

const pageFor = (name: string, options?: string) =>
	addPage(project, name, { models: `${host.origin}/models/`, trust: models.trust[0] ?? '', ...(options && { options }) })

/** The page at `url` makes the right vector, on the device, and finds all its files, each where it is told to look once. */
async function expectAnswer(url: string) {
	const page = await (await browser.newContext()).newPage()
	const faults: string[] = []
	page.on('pageerror', (error) => faults.push(error.message))
	page.on('response', (response) => response.ok() || faults.push(`${response.status()} ${response.url()}`))
	try {
		await page.goto(url)
		// Not an evaluation: Vite's development server may load the page anew.
		const answered = await page.waitForFunction(() => (window as unknown as { answer?: Promise<object> }).answer)
		expect(await answered.jsonValue()).toEqual({
			vector: expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5)),
			executor: 'device',
			provider: 'wasm',
		})
	} catch (error) {
		throw new Error(`${error}\n${faults.join('\n')}`, { cause: error })
	} finally {
		await page.context().close()
	}
	expect(faults).toEqual([])
}

/** What a way to install costs: bytes of the page's own script, gzipped, and of all files that are put beside it. */
const costs: Record<string, { first: number; files: number }> = {}

const gzipped = async (file: string) => gzipSync(await readFile(file), { level: 9 }).byteLength

async function bytesIn(folder: string): Promise<number> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true })
	const files = entries.filter((entry) => entry.isFile() && !/\.(br|md|txt|map)$/.test(entry.name))
	const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
	return sizes.reduce((sum, size) => sum + size, 0)
}

/** Budgets: what is there now, and what a bundler may add to the entry. */
const bundlers: [name: string, bundle: Bundle, most: { first: number; files: number }, options?: string][] = [
	['Vite', withVite, { first: 8500, files: 15e6 }],
	['webpack', withWebpack, { first: 8700, files: 15e6 }],
	['Rollup', withRollup, { first: 8500, files: 15e6 }],
	// The whole folder, with what GPUs need.
	['esbuild', withEsbuild, { first: 8500, files: 61e6 }, "assets: new URL('spillway/', document.baseURI).href"],
]

describe('bundled', () => {
	test.each(bundlers)('by %s: it is built, answers in Chromium, and costs no more than its budget', async (name, bundle, most, options) => {
		const page = await pageFor(name, options)
		const output = join(page, 'output')
		await bundle(page, output)
		const site = await serveSite({ mounts: { '/': `${output}/` } })
		await expectAnswer(`${site.origin}/index.html`)
		const [, script = ''] = /src="([^"]+)"/.exec(await readFile(join(output, 'index.html'), 'utf8')) ?? []
		costs[name] = { first: await gzipped(join(output, script)), files: await bytesIn(output) }
		expect(costs[name].first).toBeLessThanOrEqual(most.first)
		expect(costs[name].files).toBeLessThanOrEqual(most.files)
	})

	// Vite before 8 needs the exception.
	test.each([[['spillway']], [[]]])("by none, in Vite's development server that leaves %j alone", async (exclude: string[]) => {
		const server = await createServer({
			configFile: false,
			root: await pageFor(`development-${exclude.length}`),
			cacheDir: join(project, `.vite-${exclude.length}`),
			logLevel: 'error',
			optimizeDeps: { exclude },
			server: { port: 0, host: '127.0.0.1' },
		})
		try {
			await server.listen()
			await expectAnswer(server.resolvedUrls?.local[0] ?? '')
		} finally {
			await server.close()
		}
	})
})

test('what each way to install costs', async () => {
	const installed = join(project, 'node_modules/spillway/dist')
	for (const [name, folder] of [
		['script tag', 'script'],
		['module', 'runtime'],
	] as const)
		costs[name] = { first: await gzipped(join(installed, folder, 'spillway.js')), files: await bytesIn(join(installed, folder)) }
	const lines = Object.entries(costs).map(
		([name, { first, files }]) =>
			`${name.padEnd(10)} ${`${first}`.padStart(6)} bytes first, ${(files / 1e6).toFixed(1).padStart(5)} MB beside it`,
	)
	console.log(lines.join('\n'))
	expect(costs['script tag']?.first).toBeLessThanOrEqual(8000)
	expect(costs.module?.first).toBeLessThanOrEqual(8400)
	// What a page with an edge and a model loads after that, wasm and model aside.
	const later = ['edge.js', 'start.js', 'engine.js', 'session.js', 'telemetry.js'].map((file) => gzipped(join(installed, 'script', file)))
	expect((await Promise.all(later)).reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(155e3)
})

describe('on a server', () => {
	const script = `
		for (const [name, exports] of Object.entries({
			spillway: ['SpillwayError', 'createRuntime', 'tensor'],
			'spillway/webgpu': ['SpillwayError', 'createRuntime', 'tensor'],
			'spillway/service-worker': ['SpillwayError', 'createRuntime', 'tensor'],
			'spillway/script': [],
		})) if (Object.keys(await import(name)).sort().join() !== exports.join()) throw new Error(name)
		const { createRuntime } = await import('spillway')
		const runtime = createRuntime({ edge: 'http://127.0.0.1:9/', key: 'pk_1' })
		const error = await runtime.model('minilm').ready().catch((error) => error)
		const { code } = await runtime.model('minilm').embed(['hello']).catch((error) => error)
		await runtime.dispose()
		console.log(error.code, error.message, code)`

	test('it can be imported and does nothing; a call says that a server is no page, and that the edge cannot be reached; the process ends', async () => {
		await writeFile(join(project, 'server.js'), script)
		const { code, stdout, stderr } = await run(join(project, 'server.js'), [], project)
		expect({ code, stdout, stderr }).toEqual({
			code: 0,
			stdout: expect.stringMatching(/^environment .*lacks Worker (network|unavailable)\n$/),
			stderr: '',
		})
	})

	test('it can be required', async () => {
		await writeFile(join(project, 'server.cjs'), "console.log(typeof require('spillway').createRuntime)")
		expect(await run(join(project, 'server.cjs'), [], project)).toEqual({ code: 0, stdout: 'function\n', stderr: '' })
	})
})

describe('types', () => {
	const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '..', 'bin', 'tsc')
	const source = `
import { createRuntime, type EmbedResult, type Model, type Runtime, SpillwayError, tensor } from 'spillway'
import { createRuntime as withGpu } from 'spillway/webgpu'
const runtime: Runtime = createRuntime({ edge: 'https://edge.example.com', key: 'pk_1', policy: 'prefer-device', models: ['https://a.example/', 'https://b.example/'] })
const model: Model = runtime.model('minilm', { version: '^1' })
export const result: Promise<EmbedResult> = model.embed(['hello'], { deadline: 300, signal: AbortSignal.timeout(300) })
export const vector = async (): Promise<Float32Array | undefined> => (await result).vectors[0]
export const error = (thrown: unknown): string => (thrown instanceof SpillwayError ? thrown.code : '')
export const tensors = model.infer({ x: tensor('FP32', [1], Float32Array.of(1)) })
// @ts-expect-error: no such policy
createRuntime({ edge: 'https://edge.example.com', policy: 'anywhere' })
withGpu({ edge: 'https://edge.example.com', providers: ['wasm', 'webgpu'] })
`
	test.each([
		['ESNext', 'Bundler'],
		['NodeNext', 'NodeNext'],
	])('%s, resolved as %s: strict, with the libraries checked, and nothing else installed', async (module, moduleResolution) => {
		const folder = await pageFor(`types-${moduleResolution}`)
		await writeFile(join(folder, 'main.ts'), source)
		await writeFile(
			join(folder, 'tsconfig.json'),
			JSON.stringify({
				compilerOptions: {
					target: 'ES2022',
					lib: ['ES2023', 'DOM', 'DOM.Iterable'],
					types: [],
					strict: true,
					noEmit: true,
					module,
					moduleResolution,
				},
				files: ['main.ts'],
			}),
		)
		expect(await run(tsc, ['-p', folder], folder)).toEqual({ code: 0, stdout: '', stderr: '' })
	})
})
