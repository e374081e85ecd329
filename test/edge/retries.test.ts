// One budget of retries over a page, an edge, and the edge behind it: what is spent far away is known near by.

import { afterEach, expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { context, embedCall } from '../runtime/scripted.ts'
import { startLocal } from './local.ts'
import { keys } from './suites/under-test.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
	for (const close of closing.splice(0)) await close()
})

let attempts = 0
/** Fails at each call. */
const broken = (name: string): Executor => ({
	name,
	accepts: ['embed', 'tensors'],
	estimate: () => ({ can: 'now', queue: 0, run: 0 }),
	infer: async () => {
		attempts++
		throw new SpillwayError('upstream', `${name} is broken`)
	},
	dispose: async () => {},
})

const counted = (executor: Executor): Executor => ({
	...executor,
	infer: (call, given) => {
		attempts++
		return executor.infer(call, given)
	},
})

/** An edge whose model `m` is answered by these, in order. */
async function edgeOver(name: string, executors: (own: Executor) => Executor[]): Promise<Executor> {
	const edge = await startLocal({ replace: ({ executor }) => overflow('edge', executors(executor)) })
	closing.push(edge.close)
	return edgeExecutor({ name, address: edge.url, key: keys.secret })
}

const call = { ...embedCall, model: { name: 'm' } }

/** A page whose edge has an upstream edge; each has something broken that it asks first. */
async function threeLevels(last: (own: Executor) => Executor[]) {
	attempts = 0
	const upstream = await edgeOver('upstream', (own) => [broken('b'), ...last(own)])
	const edge = await edgeOver('edge', () => [broken('a'), upstream])
	const retries = { left: 3 }
	const page = overflow('page', [edge, broken('c')])
	closing.push(() => page.dispose())
	const settled = await page.infer(call, context({ remaining: 10_000, retries })).then(
		({ ran }) => ({ ran, code: 'answered' }),
		({ code }: SpillwayError) => ({ ran: undefined, code }),
	)
	return { ...settled, spent: 3 - retries.left }
}

test('what two edges spent is off the budget of the page', async () => {
	const { ran, spent } = await threeLevels((own) => [counted(own)])
	expect(ran).toMatchObject({ hops: 2 })
	expect(ran?.overflow.map(({ executor }) => executor)).toEqual(['a', 'b'])
	expect(spent).toBe(2)
	expect(attempts).toBe(3)
})

test('when all fail, nobody has tried once too often', async () => {
	const { code, spent } = await threeLevels(() => [broken('d'), broken('e'), broken('f')])
	expect(code).toBe('upstream')
	expect(attempts).toBeLessThanOrEqual(4)
	expect(spent).toBeLessThanOrEqual(3)
	expect(attempts).toBe(spent + 1)
})
