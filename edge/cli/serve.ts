// spillway serve

import type { Command } from 'commander'
import { port } from './options.ts'

interface Options {
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
		.action(run)
}

async function run(options: Options): Promise<void> {
	const { serve } = await import('../node.ts')
	const environment = options.config === undefined ? process.env : { ...process.env, SPILLWAY_CONFIG: options.config }
	const edge = await serve({
		environment,
		...(options.port !== undefined && { port: options.port }),
		...(options.models !== undefined && { modelsDir: options.models }),
		...(options.state !== undefined && { stateDir: options.state }),
	})
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => edge.close())
	process.stdout.write(`listening ${edge.url} trust=${edge.trust}\n`)
	// The edge tells by itself why a model does not load, and goes on: other models answer, loads are tried again, upstreams may come back.
	await edge.ready().then(
		() => process.stdout.write(`ready ${edge.url}\n`),
		() => undefined,
	)
}
