// Somebody's empty project, with the package in it as npm installs it from its tarball, and a page that uses it.

import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { atEnd } from '../../fixtures/at-end.ts'
import { packed } from '../tarball.ts'

export interface PageOptions {
	/** Address of packed models, and the key that they are signed by. */
	models: string
	trust: string
	/** More of `createRuntime`'s options, as source. */
	options?: string
}

const html =
	'<!doctype html><title>Somebody’s project</title><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>'

/** Loads a model, and what calls an edge, without calling it. */
const main = ({ models, trust, options = '' }: PageOptions) => `import { createRuntime } from 'spillway'
const options = { trust: ['${trust}'], ${options} }
const runtime = createRuntime({ models: '${models}', ...options })
window.answer = runtime.load('tiny-text').then((model) => model.embed(['hello world']))
	.then(({ vectors, ran }) => ({ vector: [...vectors[0]], executor: ran.executor, provider: ran.provider }))
createRuntime({ edge: '${models}', telemetry: false, ...options })
`

/** Makes the project's folder; it is gone after the tests of the file. */
export async function makeProject(): Promise<string> {
	const tarball = await packed()
	atEnd(() => rm(tarball.folder, { recursive: true, force: true }))
	const project = join(tarball.folder, 'project')
	await mkdir(project)
	await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
	// Offline: without dependencies there is nothing to fetch.
	await promisify(execFile)('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball.file], { cwd: project })
	return project
}

/** Adds a page in a folder of its own, with `main.js` as its script. */
export async function addPage(project: string, name: string, options: PageOptions): Promise<string> {
	const page = join(project, name)
	await mkdir(page)
	await writeFile(join(page, 'index.html'), html)
	await writeFile(join(page, 'main.js'), main(options))
	return page
}
