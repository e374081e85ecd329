// One `npm start` for all tests of `npm run test:full`.

import type { TestProject } from 'vitest/node'
import { npmStart } from '../start/npm-start.ts'

declare module 'vitest' {
	interface ProvidedContext {
		/** The edge's address, its port for native gRPC, and the demo key. */
		edge: { url: string; grpcPort: number; key: string }
	}
}

export default async function setup(project: TestProject) {
	const started = await npmStart()
	project.provide('edge', { url: `http://127.0.0.1:${started.port}`, grpcPort: started.grpcPort, key: started.key })
	return async () => {
		started.signal('SIGTERM', 'npm')
		await started.ended
	}
}
