// Two workers of one thread each behind npm's workerpool, one text a run.

import { pool } from 'workerpool'
import { offer } from './contender.ts'

const workers = pool('/bench/pool-worker.js', { minWorkers: 2, maxWorkers: 2, workerType: 'web', workerOpts: { type: 'module' } })
const embed = (texts: string[]) => workers.exec('embed', [texts]) as Promise<Float32Array[]>

offer({
	one: async (text) => (await embed([text]))[0] as Float32Array,
	all: embed,
	dispose: async () => {
		await workers.terminate()
	},
	cosine: 0.9,
})
