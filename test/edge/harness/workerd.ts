// The edge on workerd itself, as `wrangler deploy` would upload it: no development proxy stands before it, so that a client that leaves
// is a client that leaves.

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { EdgeConfigInput } from '../../../edge/config/schema.ts'
import { type Child, startChild } from './child.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const run = promisify(execFile)

export interface WorkerdOptions {
	config: EdgeConfigInput
	/** Folder with packed models. */
	models: string
	/** Variables and secrets. */
	secrets?: Record<string, string>
	/** Whether to wait until the models answer (default), or only until it listens. */
	until?: 'listening' | 'ready'
}

export interface RunningWorkerd {
	readonly url: string
	readonly child: Child<{ port: number }>
	close(): Promise<void>
}

/** Builds the Worker as `wrangler deploy` does, with its assets; wrangler asks nothing and sends nothing. */
async function build(folder: string, { config, models }: WorkerdOptions): Promise<void> {
	const configFile = join(folder, 'spillway.config.json')
	const assets = join(folder, 'assets')
	await writeFile(configFile, JSON.stringify(config))
	await run(
		process.execPath,
		[join(root, 'node_modules/wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', join(folder, 'out'), '--assets', assets],
		{
			cwd: root,
			timeout: 60_000,
			env: {
				...process.env,
				SPILLWAY_CONFIG: configFile,
				SPILLWAY_MODELS_FOLDER: models,
				SPILLWAY_ASSETS_FOLDER: assets,
				WRANGLER_SEND_METRICS: 'false',
				WRANGLER_LOG_PATH: join(folder, 'log'),
				CI: '1',
			},
		},
	)
}

/** Starts it on a port that the system chooses. */
export async function startWorkerd(options: WorkerdOptions): Promise<RunningWorkerd> {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-workerd-'))
	try {
		await build(folder, options)
		const capnp = join(folder, 'config.capnp')
		await writeFile(capnp, await configOf(folder, options.secrets ?? {}))
		const child = await startChild({
			command: join(root, 'node_modules/workerd/bin/workerd'),
			args: ['serve', '--control-fd=3', capnp],
			readyFd: 3,
			ready: (line) => JSON.parse(line) as { port: number },
		})
		const url = `http://127.0.0.1:${child.ready.port}`
		if (options.until !== 'listening') await ready(url, child)
		return {
			url,
			child,
			async close() {
				await child.stop()
				await rm(folder, { recursive: true, force: true })
			},
		}
	} catch (error) {
		await rm(folder, { recursive: true, force: true })
		throw error
	}
}

async function ready(url: string, child: Child<unknown>): Promise<void> {
	for (const until = Date.now() + 60_000; Date.now() < until; ) {
		const response = await fetch(`${url}/v2/health/ready`, { signal: AbortSignal.timeout(30_000) })
		if (response.ok) return
		await new Promise((resolve) => setTimeout(resolve, 100))
	}
	await child.stop()
	throw new Error(`the models on workerd did not become ready\n${child.log()}`)
}

/** workerd's own configuration, in the place of what wrangler would tell it. */
async function configOf(folder: string, secrets: Record<string, string>): Promise<string> {
	const names = await readdir(join(folder, 'out'))
	const wasm = names.find((name) => name.endsWith('.wasm')) ?? ''
	const toml = await readFile(join(root, 'wrangler.toml'), 'utf8')
	const setting = (name: string) => new RegExp(`^${name} = (.*)$`, 'm').exec(toml)?.[1]
	const text = (value: string) => JSON.stringify(value)
	const bindings = Object.entries(secrets).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)}),`)
	return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "assets", disk = (path = ${text(join(folder, 'assets'))}, writable = false)),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "edge")],
);
const edge :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "out/worker.js"),
    (name = ${text(wasm)}, wasm = embed ${text(relative(folder, join(folder, 'out', wasm)))}),
  ],
  compatibilityDate = ${setting('compatibility_date')},
  compatibilityFlags = ${setting('compatibility_flags')},
  durableObjectNamespaces = [
    (className = "ModelObject", uniqueKey = "model", enableSql = true),
    (className = "StateObject", uniqueKey = "state", enableSql = true),
  ],
  durableObjectStorage = (inMemory = void),
  bindings = [
    (name = "ASSETS", service = "assets"),
    (name = "MODEL", durableObjectNamespace = "ModelObject"),
    (name = "STATE", durableObjectNamespace = "StateObject"),
    ${bindings.join('\n    ')}
  ],
);
`
}
