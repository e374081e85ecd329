// A worker process of `spillway serve --workers`: an edge whose quotas, figures and spans are those of all workers.

import { messageOf } from '../../../../runtime/core/error.ts'
import { inAdvanceOf } from '../../../auth/quota.ts'
import { version } from '../../../cli/package.ts'
import { prometheusStore } from '../../../metrics/prometheus.ts'
import { type RunningEdge, type SharedState, serve } from '../../../node.ts'
import type { PrimaryAnswers, WorkerAnswers, WorkerOptions } from './answers.ts'
import { talk } from './talk.ts'

/** Milliseconds between signs of life. */
const beat = 1_000
/** Milliseconds between reports of figures: as much of them is lost with a worker that crashes. */
const reporting = 5_000

// Those of a terminal reach all processes of it at once: the primary decides.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})

let edge: RunningEdge | undefined
let ending: Promise<void> | undefined

const figures = prometheusStore({ version, platform: 'node' })
const ask = talk<PrimaryAnswers>(process, { figures: () => figures.figures(), end } satisfies WorkerAnswers)
process.once('SIGTERM', () => end(0))

const shared: SharedState = {
	metrics: { add: figures.add, render: () => ask('metrics') },
	quota: inAdvanceOf({ take: (key, perMinute, most) => ask('take', key, perMinute, most) }),
	reports: { first: (id) => ask('first', id) },
	spans: { add: (spans) => ask('trace', spans), latest: () => ask('latest') },
	comparisons: { add: (comparison) => ask('compare', comparison), of: (model) => ask('compared', model) },
}

setInterval(() => ask('alive').catch(() => {}), beat).unref()
setInterval(report, reporting).unref()

try {
	const options = JSON.parse(process.argv[2] ?? '{}') as WorkerOptions
	edge = await serve({ ...options, shared })
	const { url, grpc, trust } = edge
	await ask('listening', { url, trust, ...(grpc !== undefined && { grpc }) })
	await edge.ready().then(
		() => ask('settled'),
		(error) => ask('settled', messageOf(error)),
	)
} catch (error) {
	await ask('failed', messageOf(error)).catch(() => {})
	process.exit(1)
}

async function report(): Promise<void> {
	await ask('report', await figures.figures()).catch(() => {})
}

function end(drain: number): Promise<void> {
	ending ??= (async () => {
		await edge?.close({ drain })
		await report()
		process.exit(0)
	})()
	return ending
}
