// More calls than upstreams can answer, in time that is simulated: what is answered in time is all that could be.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cuttingOf } from '../../edge/upstreams/routing/cutting.ts'
import { routed } from '../../edge/upstreams/routing/group.ts'
import { limited } from '../../edge/upstreams/routing/limited.ts'
import { upstreamLoad } from '../../edge/upstreams/routing/load.ts'
import { shedding } from '../../edge/upstreams/routing/shedding.ts'
import { batching } from '../../runtime/batch/batching.ts'
import { provenance, type TensorsCall } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { type Tensor, tensor } from '../../runtime/core/tensor.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import type { Fetch } from '../../runtime/remote/exchange.ts'
import { serverExecutor } from '../../runtime/remote/server.ts'
import { context, scripted } from '../runtime/scripted.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

const outputs = [{ name: 'y', datatype: 'FP32', shape: [1], data: [1] }]
const answer = JSON.stringify({ model_name: 'm', model_version: '1', outputs })

/** The same each time. */
function dice(): () => number {
	let state = 1
	return () => {
		state = (state * 48_271) % 2_147_483_647
		return state / 2_147_483_647
	}
}

/** A server that does so many calls at a time in order, also those whose callers have gone. */
function server(atATime: number, milliseconds: number, random: () => number): Fetch {
	let busy = 0
	const waiting: (() => void)[] = []
	const end = () => {
		busy--
		waiting.shift()?.()
	}
	return (_, { signal }) =>
		new Promise((resolve, reject) => {
			const begin = () => {
				busy++
				setTimeout(
					() => {
						resolve(new Response(answer))
						end()
					},
					milliseconds * (0.7 + 0.6 * random()),
				)
			}
			signal?.addEventListener('abort', () => reject(new Error('gone')))
			if (busy < atATime) begin()
			else waiting.push(begin)
		})
}

interface Upstreams {
	count: number
	atATime: number
	milliseconds: number
	across?: boolean
}

function edgeOver({ count, atATime, milliseconds, across = true }: Upstreams, random: () => number): Executor {
	const members = Array.from({ length: count }, (_, at) => {
		const name = `gpu-${at}`
		const load = upstreamLoad({ name, across })
		const fetch = server(atATime, milliseconds, random)
		const executor = limited(load)(serverExecutor({ name, address: 'http://gpu', binary: false, fetch }))
		return { executor, load, cost: 0, variant: undefined, check() {} }
	})
	const cutting = cuttingOf({ inputs: null, outputs: null })
	return shedding({ callsPerModel: 1_024, longestWait: 20_000 })(routed('upstreams', members, { prefer: 'latency', cutting, random }))
}

/** A session that does one run at a time, in 4 ms and 2 for each row, behind the batching of the edge. */
function inProcess(): Executor {
	const form = [{ name: 'x', datatype: 'FP32' as const, shape: ['batch'] }]
	const manifest = { model: 'm', inputs: form, outputs: [{ ...form[0], name: 'y' } as (typeof form)[0]], axes: {}, task: null }
	let free = 0
	const session: Executor = {
		...scripted({ name: 'edge' }),
		async infer(call) {
			const { x } = (call as TensorsCall).tensors as { x: Tensor }
			const batch = x.shape[0] as number
			const run = 4 + 2 * batch
			free = Math.max(free, performance.now()) + run
			await new Promise((resolve) => setTimeout(resolve, free - performance.now()))
			return { output: { kind: 'tensors', tensors: { y: x } }, ran: { ...provenance('edge', call.model), queue: 0, run, batch } }
		},
	}
	const batched = batching({ manifest, soon: (callback) => void setTimeout(callback, 0) })(session)
	return shedding({ callsPerModel: 1_024, longestWait: 20_000 })(overflow('edge', [batched]))
}

/** Another one each time: rows with the same bytes share a run. */
const x = (number: number) => tensor('FP32', [1], Float32Array.of(number))

/** Sends calls at a rate, whatever becomes of them. */
async function flood(edge: Executor, perSecond: number, seconds: number, deadline: number) {
	const codes: Record<string, number> = {}
	const count = (what: string) => {
		codes[what] = (codes[what] ?? 0) + 1
	}
	const calls: Promise<void>[] = []
	for (let time = 0; time < seconds * 1_000; time++) {
		for (let due = calls.length; due < ((time + 1) * perSecond) / 1_000; due++)
			calls.push(
				edge
					.infer({ kind: 'tensors', model: { name: 'm' }, tensors: { x: x(due) } }, context({ remaining: deadline, retries: { left: 2 } }))
					.then(
						() => count('answered'),
						(error) => count(error instanceof SpillwayError ? error.code : String(error)),
					),
			)
		await vi.advanceTimersByTimeAsync(1)
	}
	await vi.advanceTimersByTimeAsync(2 * deadline)
	await Promise.all(calls)
	return { share: (codes.answered ?? 0) / (perSecond * seconds), codes }
}

test.each([
	{ count: 1, atATime: 4, milliseconds: 20 },
	{ count: 1, atATime: 4, milliseconds: 20, across: false },
	{ count: 2, atATime: 4, milliseconds: 20 },
	{ count: 1, atATime: 16, milliseconds: 50 },
])('below capacity all is answered, above it nine tenths of capacity are: %o', async (upstreams) => {
	const edge = edgeOver(upstreams, dice())
	const capacity = (1_000 / upstreams.milliseconds) * upstreams.atATime * upstreams.count
	expect(await flood(edge, 0.8 * capacity, 2, 500)).toMatchObject({ share: 1 })
	const { share, codes } = await flood(edge, 2 * capacity, 3, 500)
	expect(2 * share).toBeGreaterThan(0.9)
	// What is not answered is refused before it is queued, all but what was estimated wrongly.
	expect(codes.unavailable).toBeGreaterThan(0.95 * 2 * capacity * 3 * (1 - share))
})

test('in process the same: at twice what runs of many rows can do, nine tenths of that', async () => {
	const edge = inProcess()
	expect(await flood(edge, 200, 2, 500)).toMatchObject({ share: 1 })
	const { share } = await flood(edge, 1_000, 3, 500)
	expect(share * 1_000).toBeGreaterThan(0.9 * 500)
})
