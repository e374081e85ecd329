// Spillway's edge on Node as people run it: key check, quota, limits, metrics and routing over two upstreams.

import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EdgeConfigInput } from '../../../../edge/config/schema.ts'
import { type Contender, contenderOf, listening, type Setting } from './contender.ts'

const cli = fileURLToPath(new URL('../../../../edge/cli/main.ts', import.meta.url))

export const benchKey = {
	id: 'bench',
	hash: createHash('sha256').update('sk-bench').digest('hex'),
	kind: 'secret',
	requestsPerMinute: 1_000_000_000,
} as const

/** Models that upstreams answer: one that chats, one that takes tensors. */
export function benchConfig(upstream: string): EdgeConfigInput {
	const both = ['a', 'b']
	return {
		models: {
			chat: { inProcess: false, declared: { task: { kind: 'generate' } } },
			numbers: {
				inProcess: false,
				declared: {
					inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4] }],
					outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3] }],
				},
			},
		},
		upstreams: [
			...both.map((name) => ({ name: `tensors-${name}`, kind: 'oip' as const, url: upstream, models: { numbers: {} } })),
			...both.map((name) => ({ name: `chat-${name}`, kind: 'openai' as const, url: `${upstream}/v1`, models: { chat: {} } })),
		],
		keys: [benchKey],
	}
}

/** @param options.args of `spillway serve`. */
export const spillway =
	({
		name = 'spillway',
		config = benchConfig,
		args = [],
	}: {
		name?: string
		config?: (upstream: string) => EdgeConfigInput
		args?: string[]
	} = {}) =>
	async ({ upstream, work }: Setting): Promise<Contender> => {
		const folder = join(work, name)
		await mkdir(folder, { recursive: true })
		const file = join(folder, 'spillway.config.json')
		await writeFile(file, JSON.stringify(config(upstream)))
		const child = await listening({ args: [cli, 'serve', '--config', file, '--port', '0', '--state', join(folder, 'state'), ...args] })
		const contender = contenderOf(name, child, child.ready)
		return {
			...contender,
			// Its chat is under OpenAI's own prefix.
			address: (path) => contender.address(path.startsWith('/v1/') ? `/openai${path}` : path),
		}
	}
