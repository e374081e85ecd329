// schemathesis against the OpenAPI document: it must find nothing. Before an edge of its own, whose models are quick to answer.

import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PackedFolder, packModels } from '../edge/harness/models.ts'
import { type RunningNode, startNode } from '../edge/harness/node.ts'
import { keys, suiteConfig, suiteModels } from '../edge/suites/under-test.ts'
import { root } from '../package/repository.ts'

const python = process.env.TEST_PYTHON

describe.skipIf(!python)('schemathesis', () => {
	let packed: PackedFolder
	let edge: RunningNode
	beforeAll(async () => {
		packed = await packModels(suiteModels())
		edge = await startNode({ config: suiteConfig, models: packed.folder })
	})
	afterAll(async () => {
		await edge?.close()
		await packed?.remove()
	})

	test('finds nothing', { timeout: 600_000 }, async () => {
		const program = join(dirname(python as string), 'schemathesis')
		const config = join(root, 'test', 'python', 'schemathesis.toml')
		const args = [
			'--config-file',
			config,
			'run',
			`${edge.url}/openapi.json`,
			'--header',
			`Authorization: Bearer ${keys.secret}`,
			'--no-color',
		]
		const said = await promisify(execFile)(program, args, { timeout: 580_000, maxBuffer: 64 * 1024 * 1024 }).then(
			({ stdout }) => ({ failed: false, stdout }),
			({ stdout }: { stdout: string }) => ({ failed: true, stdout }),
		)
		expect(said.failed, said.stdout).toBe(false)
		// That it asked at all.
		expect(Number(/(\d+) generated/.exec(said.stdout)?.[1])).toBeGreaterThan(1000)
		expect(edge.child.log()).not.toMatch(/TypeError|ReferenceError|RangeError/)
	})
})
