// What the suites of versions need of an edge: its configuration and models, and how they call it and its admin API.

import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { EdgeConfigInput } from '../../../edge/config/schema.ts'
import { scaled } from '../harness/scaled.ts'

const hash = (key: string) => createHash('sha256').update(key).digest('hex')

export const versionKeys = { admin: 'sk_admin', metrics: 'sk_metrics', callers: Array.from({ length: 40 }, (_, at) => `sk_${at}`) }

/** Bytes of each of the models that are loaded on demand; two of them fit. */
const size = 200_000

export const versionsConfig = {
	server: { memory: 2.5 * size },
	models: {
		numbers: { memory: 0, versions: { labels: { stable: '1.0.0', next: '^2' } } },
		...Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`rare-${name}`, { load: 'demand' as const }])),
	},
	keys: [
		{ id: 'admin', hash: hash(versionKeys.admin), kind: 'secret', scopes: ['admin'] },
		{ id: 'metrics', hash: hash(versionKeys.metrics), kind: 'secret', scopes: ['metrics'] },
		...versionKeys.callers.map((key, at) => ({ id: `caller-${at}`, hash: hash(key), kind: 'secret' as const })),
	],
	metrics: { access: 'key' },
} satisfies EdgeConfigInput

/** `numbers` multiplies by 10 in 1.0.0, by 11 in 1.1.0, by 20 in 2.0.0, which is current; 1.2.0 fails its golden sample. */
export const versionsModels = () => [
	scaled({ model: 'numbers', version: '1.0.0', factor: 10 }),
	scaled({ model: 'numbers', version: '1.1.0', factor: 11 }),
	scaled({ model: 'numbers', version: '1.2.0', factor: 12, promised: 13 }),
	scaled({ model: 'numbers', version: '2.0.0', factor: 20 }),
	...['a', 'b', 'c', 'd'].map((name, at) => scaled({ model: `rare-${name}`, factor: at + 1, size })),
]

const factors: Record<string, number> = { '1.0.0': 10, '1.1.0': 11, '2.0.0': 20 }

export interface Answered {
	status: number
	/** By the answer's numbers, not by its words. */
	version: string | undefined
	/** Why it was this version. */
	route: string | undefined
	body: unknown
}

/** Calls a model; what is said of the version must be what its numbers say. */
export async function ask(url: string, { path = 'numbers', key = versionKeys.callers[0], trace = '' } = {}): Promise<Answered> {
	const response = await fetch(`${url}/v2/models/${path}/infer`, {
		method: 'POST',
		headers: { authorization: `Bearer ${key}`, ...(trace && { traceparent: trace }) },
		body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] }),
		signal: AbortSignal.timeout(30_000),
	})
	const body = (await response.json()) as { model_version?: string; outputs?: { data: number[] }[] }
	if (!response.ok) return { status: response.status, version: undefined, route: undefined, body }
	const ran = JSON.parse(response.headers.get('spillway-ran') ?? '{}') as { version?: string; route?: string }
	const version = Object.keys(factors).find((one) => factors[one] === body.outputs?.[0]?.data[0])
	if (path.startsWith('numbers')) expect([body.model_version, ran.version]).toEqual([version, version])
	return { status: response.status, version, route: ran.route, body }
}

interface Standing {
	version: string
	roles: string[]
	state: string | null
	detail?: string
}

interface View {
	revision: number
	source: string
	versions: Standing[]
	shadow: { version: string; shadow: string; outcomes: Record<string, number>; largestDifference: number; last: { detail: string } }[]
}

/** Asks the admin API. */
export async function manage(url: string, method: string, path: string, json?: unknown, headers: Record<string, string> = {}) {
	const response = await fetch(`${url}/admin${path}`, {
		method,
		headers: { authorization: `Bearer ${versionKeys.admin}`, ...headers },
		...(json !== undefined && { body: JSON.stringify(json) }),
		signal: AbortSignal.timeout(30_000),
	})
	return { status: response.status, body: (await response.json()) as View & Record<string, unknown> }
}

export const route = '/models/numbers/routing'

/** The address of an edge, and how to wait until one version answers there. */
export function routed(edge: () => { url: string }) {
	const url = () => edge().url
	/** Until every process and isolate has taken it up. */
	const answers = (version: string) => expect.poll(async () => (await ask(url())).version, { timeout: 10_000, interval: 50 }).toBe(version)
	return { url, answers }
}
