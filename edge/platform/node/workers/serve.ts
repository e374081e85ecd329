// The edge on Node in several processes.

import { createServer } from 'node:net'
import { readConfigFile } from '../../../config/file.ts'
import { loadConfig } from '../../../config/load.ts'
import { type RunningWorkers, runWorkers } from './primary.ts'

export interface ServeWithWorkersOptions {
	/** How many processes. */
	workers: number
	/** Configuration file. Default: that of `SPILLWAY_CONFIG`, else `spillway.config.json`. Read anew at each reload. */
	config?: string
	/** As those of `serve`. */
	port?: number
	modelsDir?: string
	stateDir?: string
	/** Tells who looks after the edge what has happened to its workers. */
	tell(line: string): void
}

/**
 * Starts processes that share a port, quotas, figures and spans. Resolves when all of them listen.
 *
 * @throws SpillwayError `malformed` for a wrong configuration or key, `unavailable` when the workers cannot start.
 */
export async function serveWithWorkers({
	workers,
	config: file,
	port,
	tell,
	...options
}: ServeWithWorkersOptions): Promise<RunningWorkers> {
	const environment = file === undefined ? process.env : { ...process.env, SPILLWAY_CONFIG: file }
	const readConfig = async () => loadConfig({ file: await readConfigFile(String(environment.SPILLWAY_CONFIG ?? '')), environment })
	const { server } = await readConfig()
	const wanted = port ?? server.port
	return runWorkers({
		count: workers,
		// All have the same one, also those that come later.
		options: { ...options, port: wanted === 0 ? await freePort(server.host) : wanted, ...(wanted === 0 && { grpcPort: 0 }) },
		environment: file === undefined ? {} : { SPILLWAY_CONFIG: file },
		readConfig,
		tell,
	})
}

function freePort(host: string): Promise<number> {
	return new Promise((resolve, reject) => {
		const server = createServer()
		server.once('error', reject)
		server.listen(0, host, () => {
			const address = server.address()
			server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
		})
	})
}
