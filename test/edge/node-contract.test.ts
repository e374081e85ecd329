// The executor contract, held by a model in this process on Node, as an edge serves it: loaded when it is first called.

import { join } from 'node:path'
import ort from 'onnxruntime-node'
import { createCatalog } from '../../edge/catalog/catalog.ts'
import { loadConfig } from '../../edge/config/load.ts'
import { loading } from '../../edge/platform/loading.ts'
import { folder } from '../../edge/platform/node/folder.ts'
import { nodeSession } from '../../edge/platform/node/session.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { executorContract } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { filesOf, textDescription } from '../runtime/tiny.ts'
import { temporaryFolder } from './harness/folder.ts'
import { packModels } from './harness/models.ts'
import { checkTexts, embedCall, wrongTexts } from './harness/tiny-text.ts'

const scratch = temporaryFolder()

/** Awaited before each run of the session that is made next. */
let before = () => Promise.resolve()

const { create } = ort.InferenceSession
ort.InferenceSession.create = (async (...from: Parameters<typeof create>) => {
	const session = await create(...from)
	const run = session.run.bind(session) as (...given: unknown[]) => ReturnType<typeof session.run>
	const wait = before
	session.run = async (...given: unknown[]) => {
		await wait()
		return run(...given)
	}
	return session
}) as typeof create

executorContract('a model of an edge on Node', {
	async make() {
		const description = textDescription()
		const packed = await packModels([{ description, files: filesOf(description) }])
		const catalog = createCatalog(folder(packed.folder))
		const digest = packed.models['tiny-text']?.digest as string
		const manifest = parseManifest((await catalog.manifest(digest))?.bytes as Uint8Array)
		const config = loadConfig({}).models.minilm
		if (!config) throw new Error('no defaults')
		const gate = makeGate()
		let runs = 0
		const executor = loading({
			name: 'edge',
			what: 'the model',
			accepts: ['tensors', 'embed'],
			load: () => {
				const version = { name: 'tiny-text', digest, manifest, variant: 'fp32', config }
				before = () => {
					runs++
					return gate.passed()
				}
				return nodeSession(version, { catalog, cache: join(scratch.path, 'cache') })
			},
		})
		return {
			executor,
			call: embedCall,
			check: checkTexts,
			wrong: wrongTexts,
			hops: 0,
			hold: gate.close,
			sent: () => runs,
			close: packed.remove,
		}
	},
})
