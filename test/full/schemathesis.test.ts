// schemathesis against the OpenAPI document: it must find nothing. Before an edge of its own, whose models are quick to answer.

import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashKey } from '../../edge/auth/key.ts'
import { type PackedFolder, packModels } from '../edge/harness/models.ts'
import { type RunningNode, startNode } from '../edge/harness/node.ts'
import { keys, suiteModels, suitesConfig } from '../edge/suites/under-test.ts'
import { root } from '../package/repository.ts'

const python = process.env.TEST_PYTHON

const adminKey = 'sk_admin'

describe.skipIf(!python)('schemathesis', () => {
	let packed: PackedFolder
	let edge: RunningNode
	beforeAll(async () => {
		packed = await packModels(suiteModels())
		const admin = { id: 'admin', hash: await hashKey(adminKey), kind: 'secret' as const, scopes: ['admin' as const] }
		const models = { ...suitesConfig.models, tiny: { versions: { labels: { stable: '1.0.0' } } } }
		edge = await startNode({ config: { ...suitesConfig, models, keys: [...suitesConfig.keys, admin] }, models: packed.folder })
	})
	afterAll(async () => {
		await edge?.close()
		await packed?.remove()
	})

	// The routes of administration come last: what they change, the others would notice.
	test.each([
		['what everyone calls', keys.secret, ['--exclude-path-regex', '^/admin'], 1000],
		['administration', adminKey, ['--include-path-regex', '^/admin'], 100],
	])('finds nothing in %s', { timeout: 600_000 }, async (_, key, which, least) => {
		const program = join(dirname(python as string), 'schemathesis')
		const config = join(root, 'test', 'python', 'schemathesis.toml')
		const address = `${edge.url}/openapi.json`
		const args = ['--config-file', config, 'run', address, '--header', `Authorization: Bearer ${key}`, '--no-color', ...which]
		// It leaves a folder where it runs.
		const said = await promisify(execFile)(program, args, { cwd: packed.folder, timeout: 580_000, maxBuffer: 64 * 1024 * 1024 }).then(
			({ stdout }) => ({ failed: false, stdout }),
			({ stdout }: { stdout: string }) => ({ failed: true, stdout }),
		)
		expect(said.failed, said.stdout).toBe(false)
		// That it asked at all.
		expect(Number(/(\d+) generated/.exec(said.stdout)?.[1])).toBeGreaterThan(least)
		expect(edge.child.log()).not.toMatch(/TypeError|ReferenceError|RangeError/)
	})
})
