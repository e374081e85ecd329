// The edge with the demo, on embedded defaults and this clone's state. Started by start.mjs, on the repository's Node.

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { loadConfig } from '../../dist/edge/config/load.js'
import { serve } from '../../dist/edge/node.js'
import { root } from './command.mjs'

const [port, key] = process.argv.slice(2)
const { GRPC_PORT } = process.env

/** The demo key: for servers, and on loopback for pages of any origin. */
const demo = {
	id: 'demo',
	hash: createHash('sha256').update(key).digest('hex'),
	kind: 'publishable',
	loopback: true,
	servers: true,
}

const edge = await serve({
	config: loadConfig({ file: { keys: [demo] } }),
	environment: {},
	port: Number(port),
	...(GRPC_PORT && { grpcPort: Number(GRPC_PORT) }),
	stateDir: join(root, '.spillway'),
	modelsDir: join(root, 'dist', 'packed'),
	demoKey: key,
})

const stop = () => edge.close().then(() => process.exit(0))
process.on('SIGTERM', stop)
// start.mjs is gone, however it ended.
process.on('disconnect', stop)
