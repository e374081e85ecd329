// The edge, and Workers written by hand, on workerd itself.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { startChild } from '../../../edge/harness/child.ts'
import { startWorkerd } from '../../../edge/harness/workerd.ts'
import { root } from '../../build.ts'
import { type Contender, contenderOf, type Setting } from './contender.ts'
import { benchConfig } from './spillway.ts'

/** Spillway's Worker, as it would be deployed. */
export async function spillwayWorker({ upstream, work }: Setting): Promise<Contender> {
	const models = join(work, 'no-models')
	await mkdir(models, { recursive: true })
	const edge = await startWorkerd({ config: benchConfig(upstream), models, until: 'listening' })
	const contender = contenderOf('spillway', edge.child, edge.url)
	return {
		...contender,
		address: (path) => contender.address(path.startsWith('/v1/') ? `/openai${path}` : path),
		close: () => edge.close(),
	}
}

/** Waits for nothing but the upstream, and hands its answer through unread. */
export const bareWorker = byHand('hono + fetch', 'bare-worker')

/** As the bare one, with a deadline, and cancelled when the client leaves; what comes back is read whole. */
export const boundedWorker = byHand('hono + fetch, bounded', 'bounded-worker', ['enable_request_signal'])

function byHand(name: string, file: string, flags: readonly string[] = []): (setting: Setting) => Promise<Contender> {
	return async ({ upstream, work }) => {
		const folder = join(work, file)
		await build({
			entryPoints: [fileURLToPath(new URL(`${file}.ts`, import.meta.url))],
			outfile: join(folder, 'worker.js'),
			bundle: true,
			format: 'esm',
			minify: true,
		})
		const capnp = join(folder, 'config.capnp')
		await writeFile(
			capnp,
			`using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "bare", worker = .bare), (name = "internet", network = (allow = ["private", "local"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "bare")],
);
const bare :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ${JSON.stringify(flags)},
  bindings = [(name = "UPSTREAM", text = "${upstream}")],
);
`,
		)
		const child = await startChild({
			command: join(root, 'node_modules/workerd/bin/workerd'),
			args: ['serve', '--control-fd=3', capnp],
			readyFd: 3,
			ready: (line) => JSON.parse(line) as { port: number },
		})
		return contenderOf(name, child, `http://127.0.0.1:${child.ready.port}`)
	}
}
