// Builds the demo into dist/demo. It stands on the built runtime in dist/runtime, as an application's would.

import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vite'
import { topics } from './faq/topics.ts'
import { buildServiceWorker } from './offline/build.ts'
import { topicsHtml } from './view/topics.ts'

const here = import.meta.dirname
const output = join(here, '../dist/demo')
const runtime = join(here, '../dist/runtime/spillway.js')

const writeTopics: Plugin = {
	name: 'demo-topics',
	transformIndexHtml: (html) => html.replace('<!-- topics -->', topicsHtml(topics)),
}

const writeServiceWorker: Plugin = {
	name: 'demo-service-worker',
	apply: 'build',
	closeBundle: () => buildServiceWorker(output),
}

export default defineConfig({
	root: here,
	plugins: [writeTopics, writeServiceWorker],
	resolve: { alias: [{ find: /^.*\/runtime\/index\.ts$/, replacement: runtime }] },
	// Everything stands in files of its own: a strict content security policy can then leave out `data:`.
	build: { outDir: output, emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0 },
})
