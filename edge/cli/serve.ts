// spillway serve

import type { Command } from 'commander'
import type { RunningEdge } from '../node.ts'
import { count, port } from './options.ts'

interface Options {
	workers?: number
	config?: string
	port?: number
	models?: string
	state?: string
}

export function register(program: Command): void {
	program
		.command('serve')
		.description('Run the edge on Node until SIGINT or SIGTERM.')
		.option('--config <file>', 'default: that of SPILLWAY_CONFIG, else spillway.config.json, which need not be there')
		.option('--port <number>', 'port to listen on, 0 for any; default: PORT, else the configuration', port)
		.option('--models <folder>', "packed models; default: the configuration's")
		.option('--state <folder>', 'what the edge keeps: signing key, assembled files; default: .spillway')
		.option('--workers <number>', 'processes that share the port; each is replaced when it crashes or hangs, all of them at SIGHUP', count)
		.action(run)
}

async function run(options: Options): Promise<void> {
	const edge = await (options.workers ? startWorkers(options, options.workers) : startHere(options))
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => edge.close())
	process.stdout.write(`listening ${edge.url} trust=${edge.trust}${edge.grpc === undefined ? '' : ` grpc=${edge.grpc}`}\n`)
	// The edge tells by itself why a model does not load, and goes on: other models answer, loads are tried again, upstreams may come back.
	await edge.ready().then(
		() => process.stdout.write(`ready ${edge.url}\n`),
		() => undefined,
	)
}

async function startHere({
	config,
	port,
	models,
	state,
}: Options): Promise<Pick<RunningEdge, 'url' | 'grpc' | 'trust' | 'ready' | 'close'>> {
	const { serve } = await import('../node.ts')
	return serve({
		environment: config === undefined ? process.env : { ...process.env, SPILLWAY_CONFIG: config },
		...(port !== undefined && { port }),
		...(models !== undefined && { modelsDir: models }),
		...(state !== undefined && { stateDir: state }),
	})
}

async function startWorkers({ config, port, models, state }: Options, workers: number): Promise<RunningEdge> {
	const { serveWithWorkers } = await import('../platform/node/workers/serve.ts')
	const edge = await serveWithWorkers({
		workers,
		...(config !== undefined && { config }),
		...(port !== undefined && { port }),
		...(models !== undefined && { modelsDir: models }),
		...(state !== undefined && { stateDir: state }),
		tell: (line) => process.stderr.write(`${line}\n`),
	})
	process.on('SIGHUP', async () => {
		if (await edge.reload()) process.stdout.write(`reloaded ${edge.url}\n`)
	})
	return edge
}
