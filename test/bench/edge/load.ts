// Load: closed (so many connections, each asks again when it is answered) and open (so many calls a second, whatever comes back).

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Agent, request } from 'undici'

/** A request of a benchmark. */
export interface Workload {
	readonly name: string
	readonly path: string
	readonly headers: Record<string, string>
	readonly body: Buffer
	/** Throws unless that is the answer. */
	check(body: Buffer, header: (name: string) => string | null): void
}

export interface Load {
	/** Answered requests a second. */
	readonly rate: number
	/** Milliseconds. */
	readonly p50: number
	readonly p99: number
	/** Answered requests. */
	readonly total: number
}

interface Result {
	requests: { total: number }
	duration: number
	latency: { p50: number; p99: number }
	non2xx: number
	errors: number
	timeouts: number
}

type Autocannon = (options: object) => Promise<Result>

export interface Target {
	url: string
	headers: Record<string, string>
}

/** @param work folder with autocannon. */
export function closedLoad(work: string): (target: Target, workload: Workload, connections: number, seconds: number) => Promise<Load> {
	const autocannon: Autocannon = createRequire(join(work, 'package.json'))('autocannon')
	return async ({ url, headers }, { body, headers: more }, connections, seconds) => {
		const result = await autocannon({ url, method: 'POST', headers: { ...more, ...headers }, body, connections, duration: seconds })
		const { requests, duration, latency, non2xx, errors, timeouts } = result
		if (non2xx + errors + timeouts > 0) throw new Error(`${url}: ${non2xx} refusals, ${errors} errors, ${timeouts} time-outs`)
		return { rate: requests.total / duration, p50: latency.p50, p99: latency.p99, total: requests.total }
	}
}

/** One request, whose answer is checked. */
export async function checked({ url, headers }: Target, { body, headers: more, check }: Workload): Promise<void> {
	const answer = await request(url, { method: 'POST', headers: { ...more, ...headers }, body })
	const bytes = Buffer.from(await answer.body.arrayBuffer())
	if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode} ${bytes.toString().slice(0, 300)}`)
	check(bytes, (name) => String(answer.headers[name] ?? '') || null)
}

export interface OpenLoad {
	readonly sent: number
	/** Answered within the deadline. */
	readonly good: number
	readonly late: number
	/** By status; 0 for what had no answer. */
	readonly refused: Record<number, number>
	/** Refusals that told no time to come back. */
	readonly untold: number
}

/**
 * @param rate calls a second.
 * @param deadline milliseconds, told to the edge.
 */
export async function openLoad(
	{ url, headers }: Target,
	{ body, headers: more }: Workload,
	rate: number,
	seconds: number,
	deadline: number,
): Promise<OpenLoad> {
	const agent = new Agent({ connections: 4096, pipelining: 1 })
	const told = { ...more, ...headers, 'spillway-time-left': String(deadline) }
	const load = { sent: 0, good: 0, late: 0, refused: {} as Record<number, number>, untold: 0 }
	const open = new Set<Promise<void>>()

	async function call(): Promise<void> {
		const began = performance.now()
		const answer = await request(url, { method: 'POST', headers: told, body, dispatcher: agent }).catch(() => undefined)
		await answer?.body.dump()
		const status = answer?.statusCode ?? 0
		if (status !== 200) {
			load.refused[status] = (load.refused[status] ?? 0) + 1
			if (answer?.headers['retry-after'] === undefined) load.untold++
		} else if (performance.now() - began > deadline) load.late++
		else load.good++
	}

	const began = performance.now()
	while (performance.now() - began < seconds * 1000) {
		const due = Math.floor(((performance.now() - began) / 1000) * rate)
		for (; load.sent < due; load.sent++) {
			const one = call()
			open.add(one)
			one.finally(() => open.delete(one))
		}
		await new Promise((resolve) => setTimeout(resolve, 1))
	}
	await Promise.all(open)
	await agent.close()
	return load
}
