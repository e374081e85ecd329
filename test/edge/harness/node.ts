// The edge on Node, as `spillway serve` runs it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EdgeConfigInput } from '../../../edge/config/schema.ts'
import { type Child, startChild } from './child.ts'

const cli = fileURLToPath(new URL('../../../edge/cli/main.ts', import.meta.url))

export interface NodeOptions {
	config: EdgeConfigInput
	/** Folder with packed models. Default: the place that the configuration names. */
	models?: string
	/** State folder. Default: a fresh one, removed at the end. */
	state?: string
	/** Environment variables. */
	secrets?: Record<string, string>
	/** Default: one that the system chooses. */
	port?: number
	/** Whether to wait until the models answer (default), or only until it listens. */
	until?: 'listening' | 'ready'
	/** More of the command's options. */
	args?: readonly string[]
}

export interface RunningNode {
	readonly url: string
	readonly child: Child<string>
	/** Puts another configuration into the place of the one that it was started with. */
	rewrite(config: unknown): Promise<void>
	close(): Promise<void>
}

/** Starts it. */
export async function startNode({
	config,
	models,
	state,
	secrets = {},
	port = 0,
	until = 'ready',
	args = [],
}: NodeOptions): Promise<RunningNode> {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-node-'))
	const remove = () => rm(folder, { recursive: true, force: true })
	try {
		const file = join(folder, 'spillway.config.json')
		await writeFile(file, JSON.stringify(config))
		const child = await startChild({
			command: process.execPath,
			args: [
				cli,
				'serve',
				'--config',
				file,
				'--port',
				String(port),
				...(models ? ['--models', models] : []),
				'--state',
				state ?? join(folder, 'state'),
				...args,
			],
			env: secrets,
			readyFd: 1,
			ready: (line) => new RegExp(`^${until} (\\S+)`).exec(line)?.[1],
		})
		return {
			url: child.ready,
			child,
			rewrite: (other) => writeFile(file, JSON.stringify(other)),
			close: () => child.stop().then(remove),
		}
	} catch (error) {
		await remove()
		throw error
	}
}
