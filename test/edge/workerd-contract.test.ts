// The executor contract, held by a model in a Durable Object as the Worker sees it. The object's class runs here without workerd: what
// lies between the two (messages, errors, time left, abort) is the same.

import { readFile } from 'node:fs/promises'
import { createCatalog } from '../../edge/catalog/catalog.ts'
import { loadConfig } from '../../edge/config/load.ts'
import { folder } from '../../edge/platform/node/folder.ts'
import type { Bindings, ObjectNamespace } from '../../edge/platform/workerd/bindings.ts'
import { inObject } from '../../edge/platform/workerd/in-object.ts'
import { modelObject } from '../../edge/platform/workerd/model-object.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { executorContract } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { filesOf, textDescription } from '../runtime/tiny.ts'
import { packModels } from './harness/models.ts'
import { checkTexts, embedCall, wrongTexts } from './harness/tiny-text.ts'

const binary = new URL('../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm', import.meta.url)
const ModelObject = modelObject(await WebAssembly.compile(await readFile(binary)))

executorContract('a model in a Durable Object', {
	async make() {
		const description = textDescription()
		const packed = await packModels([{ description, files: filesOf(description) }])
		const models = folder(packed.folder)
		const digest = packed.models['tiny-text']?.digest as string
		const manifest = parseManifest((await createCatalog(models).manifest(digest))?.bytes as Uint8Array)
		const config = loadConfig({}).models.minilm
		if (!config) throw new Error('no defaults')

		const assets = {
			async fetch(url: string) {
				const path = new URL(url).pathname.slice(1)
				if (path === 'build/build.json') return Response.json({ version: '0.0.0', config: { models: { 'tiny-text': {} } } })
				return (await models.get(path.replace(/^models\//, ''))) ?? new Response(null, { status: 404 })
			},
		}
		const object = new ModelObject(null, { ASSETS: assets } as unknown as Bindings)
		const gate = makeGate()
		let sent = 0
		const objects: ObjectNamespace = {
			idFromName: (name) => name,
			get: () => ({
				async fetch(url, init) {
					sent++
					const request = new Request(url, init)
					// As across a connection: who has left gets no answer.
					const left = new Promise<never>((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason)))
					return Promise.race([gate.passed().then(() => object.fetch(request)), left])
				},
			}),
		}
		const version = { name: 'tiny-text', digest, manifest, variant: 'fp32', config }
		const { executor } = inObject({ ...version, kept: () => true, current: () => true, wanted: () => [digest] }, objects)
		return {
			executor,
			call: embedCall,
			check: checkTexts,
			wrong: wrongTexts,
			hops: 0,
			hold: gate.close,
			sent: () => sent,
			close: packed.remove,
		}
	},
})
