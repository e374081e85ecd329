// The edge's application before real sessions of tiny models, on a port of this machine: for the suites, and for what only a
// process of one's own can show.

import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono } from 'hono'
import * as ort from 'onnxruntime-node'
import { createEdge } from '../../edge/app.ts'
import { memoryQuota } from '../../edge/auth/quota.ts'
import { createCatalog } from '../../edge/catalog/catalog.ts'
import { createChannels } from '../../edge/catalog/channels.ts'
import { distribution } from '../../edge/catalog/routes.ts'
import { loadConfig } from '../../edge/config/load.ts'
import type { EdgeConfigInput } from '../../edge/config/schema.ts'
import { prometheusStore } from '../../edge/metrics/prometheus.ts'
import type { EdgeParts, ServedModel } from '../../edge/parts.ts'
import { memoryReports } from '../../edge/telemetry/reports.ts'
import { memorySpans } from '../../edge/telemetry/spans.ts'
import { memoryComparisons } from '../../edge/versions/comparisons.ts'
import { plainRouting } from '../../edge/versions/routing.ts'
import { memoryRoutes } from '../../edge/versions/state.ts'
import { signChannel } from '../../models/format/channel.ts'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'
import { channelPath, chunkPath, manifestPath } from '../../models/format/layout.ts'
import { spaceOf } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { satisfies } from '../../runtime/core/version.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import { createSession } from '../../runtime/session/session.ts'
import { tokenized } from '../../runtime/tasks/tokenized.ts'
import { createTokenizer } from '../../runtime/tasks/tokenizer.ts'
import { packed } from '../runtime/tiny.ts'
import { type EdgeUnderTest, suiteModels, suitesConfig } from './suites/under-test.ts'

export interface LocalOptions {
	/** Changes the configuration of the suites. */
	config?: EdgeConfigInput
	/** Puts another executor in place of the model's own. */
	replace?: (model: ServedModel) => Executor
	/** Changes what the application is made of. */
	parts?: Partial<EdgeParts>
}

const variant = 'fp32'

/** The models address in memory. */
type Stored = Map<string, Uint8Array<ArrayBuffer>>

async function servedModels(stored: Stored, key: SigningKey): Promise<ServedModel[]> {
	return Promise.all(
		suiteModels().map(async ({ description, files }) => {
			const { manifest, digest, bytes, chunks } = await packed(description, files)
			const { model, version } = manifest
			const channel = { format: 'spillway-channel/1' as const, model, version, manifest: digest, serial: 1, issued: 1, expires: 2 ** 40 }
			stored.set(channelPath(model), new TextEncoder().encode(await signChannel(channel, key)))
			stored.set(manifestPath(digest), new Uint8Array(bytes))
			for (const [name, chunk] of chunks) stored.set(chunkPath(name), new Uint8Array(chunk))
			const graph = files['graph.onnx'] as Uint8Array
			const session = await createSession({ ort, graph, manifest, digest, variant, provider: 'cpu', name: 'edge' })
			const file = files['tokenizer.json']
			const inner =
				file && manifest.task ? tokenized(session, { manifest, tokenizer: createTokenizer(file, manifest.task.maxTokens) }) : session
			const executor = overflow('edge', [inner])
			return {
				name: manifest.model,
				version: manifest.version,
				interface: manifest,
				digest,
				manifest,
				variant,
				spaces: [spaceOf(manifest.model, digest, variant)],
				executor,
				ready: async () => true,
			}
		}),
	)
}

/** The parts of an edge in this process. */
export async function localParts({ config = {}, replace, parts = {} }: LocalOptions = {}): Promise<EdgeParts> {
	const key = await generateSigningKey()
	const stored: Stored = new Map()
	const own = await servedModels(stored, key)
	const catalog = createCatalog({
		get: async (path) => {
			const bytes = stored.get(path)
			return bytes ? new Response(bytes) : null
		},
	})
	const models = own.map((model) => (replace ? { ...model, executor: replace(model) } : model))
	const build = { version: '0.0.0-test', platform: 'node' }
	return {
		config: loadConfig({ file: { ...suitesConfig, ...config } }),
		models: {
			names: models.map(({ name }) => name),
			get: async (name, version) =>
				models.find((model) => model.name === name && (version === undefined || satisfies(model.version, version))),
			list: async () => models,
		},
		distribution: distribution({ catalog, channels: createChannels({ catalog, key, expiresIn: 60_000 }), keys: [key.x] }),
		pages: new Hono(),
		// Of these models no other version could be served.
		admin: {
			models: {
				names: [],
				versions: () => undefined,
				routing: async () => ({ routing: plainRouting, source: 'configuration', revision: 0 }),
			},
			routes: memoryRoutes(),
			comparisons: memoryComparisons(),
			memory: null,
		},
		metrics: prometheusStore(build),
		quota: memoryQuota(),
		reports: memoryReports(),
		spans: memorySpans(),
		build,
		peer: (c) => getConnInfo(c).remote.address,
		...parts,
	}
}

/** Starts it; `close` ends it at once. */
export async function startLocal(options: LocalOptions = {}): Promise<EdgeUnderTest & { close(): Promise<void> }> {
	const parts = await localParts(options)
	const app = createEdge(parts)
	const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
		const made = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(made))
	})
	const text = (await parts.models.get('m')) as ServedModel
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		space: text.spaces[0] as string,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve())
				if ('closeAllConnections' in server) server.closeAllConnections()
			}),
	}
}
