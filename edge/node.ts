// The edge on Node.

import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getConnInfo } from '@hono/node-server/conninfo'
import { readSigningKey } from '../models/format/key-text.ts'
import type { AdminParts } from './admin/parts.ts'
import { createEdge } from './app.ts'
import { memoryQuota } from './auth/quota.ts'
import { bucketFiles } from './catalog/bucket/files.ts'
import { createCatalog } from './catalog/catalog.ts'
import { createChannels } from './catalog/channels.ts'
import type { Files } from './catalog/files.ts'
import { readTokenizer } from './catalog/model-file.ts'
import { distribution } from './catalog/routes.ts'
import { version } from './cli/package.ts'
import type { Environment } from './config/environment.ts'
import { readConfigFile } from './config/file.ts'
import { loadConfig } from './config/load.ts'
import type { EdgeConfig } from './config/schema.ts'
import { findSecret } from './config/secrets.ts'
import { prometheusStore } from './metrics/prometheus.ts'
import type { EdgeParts } from './parts.ts'
import { folder } from './platform/node/folder.ts'
import { grpcServer, trailersOf } from './platform/node/grpc.ts'
import { inProcess } from './platform/node/in-process.ts'
import { listenerOf } from './platform/node/listener.ts'
import { managed } from './platform/node/managed.ts'
import { upstreamPools } from './platform/node/pools.ts'
import { drain, shutdown } from './platform/node/shutdown.ts'
import { readTls } from './platform/node/tls.ts'
import { pages } from './platform/pages.ts'
import { servedModels } from './platform/served.ts'
import { upstreamsOf } from './platform/upstreams.ts'
import { keyFile } from './state/key-file.ts'
import { memoryReports } from './telemetry/reports.ts'
import { memorySpans } from './telemetry/spans.ts'
import { memoryComparisons } from './versions/comparisons.ts'

export interface ServeOptions {
	/** Default: `spillway.config.json` (or the file that `SPILLWAY_CONFIG` names), with the environment laid over it. */
	config?: EdgeConfig
	/** Where secrets and overrides are. Default: `process.env`. */
	environment?: Environment
	/** Port to listen on; 0 lets the system choose. Default: the configuration's. */
	port?: number
	/** Port for native gRPC; 0 lets the system choose, false is for none. Default: the configuration's; 0 where `port` is 0. */
	grpcPort?: number | false
	/** Folder for what the edge keeps: its signing key, files put together from chunks. Default: `.spillway`. */
	stateDir?: string
	/** Folder with packed models. Default: the configuration's bucket or folder. */
	modelsDir?: string
	/** Folder with the built `demo`, `script` and `docs`. Default: this package's `dist`. */
	pagesDir?: string
	/** Publishable key that the demo's page calls this edge with, told at `/demo/config.json`. Default: none. */
	demoKey?: string
	/** What this process shares with others. Default: state of its own. */
	shared?: SharedState
	/** Processes that share the memory for models. Default: 1. */
	workers?: number
}

/** State that several processes may have in common. */
export type SharedState = Pick<EdgeParts, 'metrics' | 'quota' | 'reports' | 'spans'> & Pick<AdminParts, 'comparisons'>

export interface RunningEdge {
	/** Where it listens, e.g. `http://127.0.0.1:8787`. */
	readonly url: string
	/** Where native gRPC is listened for, e.g. `127.0.0.1:8788`; undefined where it is not. */
	readonly grpc: string | undefined
	/** Its public key, for `trust`. */
	readonly trust: string
	/**
	 * Resolves when every model answers: sessions are loaded and have answered their golden samples, or an upstream is up.
	 * @throws SpillwayError why a model does not.
	 */
	ready(): Promise<void>
	/**
	 * Stops accepting, lets requests under way be answered for `server.grace` milliseconds, and ends a second later at most. Idempotent.
	 * @param options.drain milliseconds in which connections may end by themselves before that. Default 0.
	 */
	close(options?: { drain?: number }): Promise<void>
}

/**
 * Starts the edge. Resolves when it listens; models load in the background.
 *
 * @throws SpillwayError `malformed` for a wrong configuration or key; an error of Node's when the port is taken.
 * @example const edge = await serve({ port: 0 }); await edge.ready(); console.log(edge.url)
 */
export async function serve(options: ServeOptions = {}): Promise<RunningEdge> {
	const { environment = process.env, stateDir = '.spillway', pagesDir = builtFiles() } = options
	const config = options.config ?? loadConfig({ file: await readConfigFile(String(environment.SPILLWAY_CONFIG ?? '')), environment })
	const secret = findSecret(config.signing.key, environment)
	const key =
		secret === undefined ? await keyFile(join(stateDir, 'signing-key.json')) : await readSigningKey(secret, config.signing.key.env)
	const keys = [key.x, ...config.signing.previous]

	const { files, where } = await packedModels(config, environment, options.modelsDir)
	const catalog = createCatalog(files)
	const cache = join(stateDir, 'models')
	const pools = upstreamPools(config, environment)
	const { comparisons, ...shared } = options.shared ?? ownState()
	const { budget, routes } = managed(config, stateDir, options.workers)
	const models = servedModels({
		config,
		catalog,
		where,
		provider: 'cpu',
		inProcess: (model) => inProcess(model, { catalog, cache, budget }),
		routes,
		comparisons,
		metrics: shared.metrics,
		upstreams: (model) =>
			upstreamsOf(model, {
				config,
				environment,
				fetchOf: pools.fetchOf,
				across: true,
				processes: options.workers,
				tokenizer: ({ manifest }) => readTokenizer(catalog, manifest),
			}),
	})
	const app = createEdge({
		config,
		models,
		distribution: distribution({ catalog, channels: createChannels({ catalog, key, expiresIn: config.signing.expiresIn }), keys }),
		pages: pages({
			demo: folder(join(pagesDir, 'demo')),
			script: folder(join(pagesDir, 'script')),
			docs: folder(join(pagesDir, 'docs')),
			keys,
			demoKey: options.demoKey,
		}),
		...shared,
		admin: { models, routes, comparisons, memory: budget },
		build: { version, platform: 'node' },
		peer: (c) => getConnInfo(c).remote.address,
		trailers: trailersOf,
	})

	const listener = listenerOf(app.fetch)
	const { grace } = config.server
	const tls = config.server.tls && readTls(config.server.tls, environment, 'server.tls')
	const server = tls ? createTlsServer(tls, listener) : createServer(listener)
	await listen(server, options.port ?? config.server.port, config.server.host)
	const { port } = server.address() as AddressInfo
	const host = config.server.host.includes(':') ? `[${config.server.host}]` : config.server.host
	const grpcPort = options.grpcPort ?? config.server.grpcPort ?? (options.port === 0 ? 0 : undefined)
	const grpc = await grpcServer({ listener, host: config.server.host, port: grpcPort, tls }).catch(async (error) => {
		server.close()
		throw error
	})
	// Loads in the background. That a model fails is told by `ready`, and at each call to it.
	models.loaded().catch(() => {})
	let closing: Promise<void> | undefined
	return {
		url: `http${tls ? 's' : ''}://${host}:${port}`,
		grpc: grpc && `${host}:${grpc.port}`,
		trust: key.x,
		ready: () => models.loaded(),
		close({ drain: patience = 0 } = {}) {
			closing ??= (async () => {
				if (patience > 0) await Promise.all([drain(server, patience), grpc?.end(patience)])
				const called = grpc?.end(grace)
				await shutdown(server, grace, async () => {
					await called
					await models.dispose()
				})
				grpc?.cut()
				await pools.close()
			})()
			return closing
		},
	}
}

const ownState = (): SharedState => ({
	metrics: prometheusStore({ version, platform: 'node' }),
	quota: memoryQuota(),
	reports: memoryReports(),
	spans: memorySpans(),
	comparisons: memoryComparisons(),
})

/** Who has no bucket needs no library for it. */
async function packedModels(
	{ modelsBucket, modelsFolder }: EdgeConfig,
	environment: Environment,
	modelsDir: string | undefined,
): Promise<{ files: Files; where: string }> {
	if (modelsDir !== undefined || !modelsBucket) {
		const where = modelsDir ?? modelsFolder
		return { files: folder(where), where }
	}
	const { bucketOf } = await import('./catalog/bucket/configured.ts')
	const bucket = bucketOf(modelsBucket, environment)
	return { files: bucketFiles(bucket), where: bucket.where }
}

const listen = (server: Server, port: number, host: string): Promise<void> =>
	new Promise((resolve, reject) => {
		server.once('error', reject)
		server.listen(port, host, () => {
			server.off('error', reject)
			resolve()
		})
	})

/** `dist`, seen from this file in the sources (`edge/`) and in the built package (`dist/edge/`). */
const builtFiles = (): string => fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../dist/' : '../', import.meta.url))
