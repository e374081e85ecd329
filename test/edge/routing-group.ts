// Upstreams that follow a script, routed over as the edge does it, in a time that passes when a test says so.

import { afterEach, beforeEach, vi } from 'vitest'
import { cuttingOf } from '../../edge/upstreams/routing/cutting.ts'
import { type RoutingOptions, routed } from '../../edge/upstreams/routing/group.ts'
import { limited } from '../../edge/upstreams/routing/limited.ts'
import { upstreamLoad } from '../../edge/upstreams/routing/load.ts'
import type { Member } from '../../edge/upstreams/routing/member.ts'
import type { Answer, Call } from '../../runtime/core/call.ts'
import type { SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { context, embedCall, type Script, type Scripted, scripted } from '../runtime/scripted.ts'

/** Of a file's tests. */
export function inFakeTime(): void {
	beforeEach(() => {
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
	})
	afterEach(() => {
		vi.useRealTimers()
	})
}

export const batched = [{ name: 'x', datatype: 'FP32' as const, shape: ['batch', 2] }]
export const cutting = cuttingOf({ inputs: batched, outputs: [{ name: 'y', datatype: 'FP32', shape: ['batch', 2] }] })

interface Making extends Partial<Pick<Member, 'cost' | 'variant'>> {
	capacity?: number
}

export function member(executor: Executor, { cost = 0, variant, capacity }: Making = {}): Member {
	const load = upstreamLoad({ name: executor.name, capacity, across: true })
	return { executor: limited(load)(executor), load, cost, variant, check() {} }
}

export function group(executors: readonly (Executor | Member)[], options: Partial<RoutingOptions> = {}) {
	const members = executors.map((one) => ('load' in one ? one : member(one)))
	return { members, executor: routed('upstreams', members, { prefer: 'latency', cutting, random: () => 0.5, ...options }) }
}

/** The end of a call, whose time passes at once. */
export async function settled(promise: Promise<Answer>, time = 3_000): Promise<{ answer?: Answer; error?: SpillwayError }> {
	const end = promise.then(
		(answer) => ({ answer }),
		(error: SpillwayError) => ({ error }),
	)
	await vi.advanceTimersByTimeAsync(time)
	return end
}

export const ask = (executor: Executor, more: Partial<Context> = {}, call: Call = embedCall) => settled(executor.infer(call, context(more)))

export const upstreams = (...scripts: Script[]): Scripted[] =>
	scripts.map((script, at) => scripted({ name: 'abc'[at] as string, ...script }))
