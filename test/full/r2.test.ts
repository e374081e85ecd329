// Publishing into R2, over its S3: that of Cloudflare's own local simulation, which checks signatures, payloads and conditions.

import { afterAll, beforeAll } from 'vitest'
import { bucketFiles } from '../../edge/catalog/bucket/files.ts'
import { bucketTarget } from '../../edge/cli/publish/bucket.ts'
import { type RunningR2, startR2 } from '../edge/harness/r2.ts'
import { publishSuite } from '../edge/publish-suite.ts'

let r2: RunningR2
beforeAll(async () => {
	r2 = await startR2({ config: { models: {} } })
})
afterAll(() => r2?.close())

let count = 0
publishSuite(async () => {
	const prefix = `place-${count++}`
	const target = () => bucketTarget(r2.bucket(prefix))
	return {
		target,
		files: () => bucketFiles(r2.bucket(prefix)),
		damage: (path) =>
			target().write({ path, bytes: Uint8Array.of(1, 2, 3), kind: { type: 'application/octet-stream', cache: 'no-cache' } }),
	}
})
