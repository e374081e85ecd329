// A web developer's first minutes: the package in an empty Vite project, built and in development, with models on a plain static host.

import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'
import { build, createServer, preview } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findChromium } from '../../setup/chromium.mjs'
import { root } from '../repository.ts'
import { packed, type Tarball } from '../tarball.ts'
import { type StaticHost, staticHost } from './static-host.ts'

const index = '<!doctype html><title>An empty project</title><script type="module" src="/main.js"></script>'

const main = (models: string, trust: string) => `
import { createRuntime } from 'spillway'
const runtime = createRuntime({ models: '${models}', trust: ['${trust}'] })
window.answer = runtime.load('minilm').then((minilm) => minilm.embed(['how do I reset my password?', 'change password']))
	.then(({ vectors, ran }) => ({ vectors: vectors.map((vector) => [...vector]), ran }))
// Loads what calls an edge, and does not call it.
createRuntime({ edge: '${models}', trust: ['${trust}'], telemetry: false })
`

let tarball: Tarball
let host: StaticHost
let browser: Browser
let project: string

beforeAll(async () => {
	tarball = await packed()
	host = await staticHost(join(root, 'dist', 'packed'))
	browser = await chromium.launch({ executablePath: await findChromium(), args: ['--no-sandbox'] })
	const { x } = JSON.parse(await readFile(join(root, '.spillway', 'signing-key.json'), 'utf8')) as { x: string }
	project = join(tarball.folder, 'project')
	await mkdir(project)
	await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
	await writeFile(join(project, 'index.html'), index)
	await writeFile(join(project, 'main.js'), main(host.url, x))
	// Offline: without dependencies there is nothing to fetch.
	await promisify(execFile)('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball.file], { cwd: project })
})

afterAll(async () => {
	await browser?.close()
	await host?.close()
	await rm(tarball.folder, { recursive: true, force: true })
})

test('built', async () => {
	await build({ root: project, logLevel: 'error' })
	const server = await preview({ root: project, logLevel: 'error', preview: { port: 0, host: '127.0.0.1' } })
	try {
		await expectAnswer(server.resolvedUrls?.local[0])
	} finally {
		await server.close()
	}
})

test('in development', async () => {
	const server = await createServer({ root: project, logLevel: 'error', server: { port: 0, host: '127.0.0.1' } })
	try {
		await server.listen()
		await expectAnswer(server.resolvedUrls?.local[0])
	} finally {
		await server.close()
	}
})

/** The page at `url` makes two vectors that mean much the same. */
async function expectAnswer(url: string | undefined) {
	const page = await browser.newPage()
	const faults: string[] = []
	page.on('pageerror', (error) => faults.push(error.message))
	page.on('response', (response) => response.ok() || faults.push(`${response.status()} ${response.url()}`))
	try {
		await page.goto(url ?? '', { waitUntil: 'networkidle' })
		const answer = await page.evaluate(() => (window as unknown as { answer: Promise<{ vectors: number[][]; ran: object }> }).answer)
		const [first = [], second = []] = answer.vectors
		expect(first).toHaveLength(384)
		expect(first.reduce((sum, value, at) => sum + value * (second[at] ?? 0), 0)).toBeGreaterThan(0.7)
		expect(answer.ran).toMatchObject({ executor: 'device', provider: 'wasm', model: 'minilm', overflow: [] })
		const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name))
		expect(loaded.filter((name) => /\/edge[^/]*\.js(#\d+)?$/.test(name))).toHaveLength(1)
	} catch (error) {
		throw new Error(`${error}\n${faults.join('\n')}`, { cause: error })
	} finally {
		await page.close()
	}
	expect(faults.filter((fault) => !fault.endsWith('/favicon.ico'))).toEqual([])
}
