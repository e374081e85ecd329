// The schema of a page's report. What a newer page says more is left out; names and words are only bounded here: which of them become
// labels is decided in `figures.ts`.

import { z } from '@hono/zod-openapi'
import { longestName, most, reportFormat } from '../../runtime/telemetry/wire.ts'
import { batchBounds, callBounds, loadBounds } from '../../runtime/telemetry/wire-histogram.ts'

/** Most things that one page can have done between two reports. */
const mostCounted = 1_000_000

/** A day: longer takes nothing that pages measure. */
const mostMilliseconds = 86_400_000

const name = z.string().min(1).max(longestName)
const word = z.string().min(1).max(32)
const milliseconds = z.number().min(0).max(mostMilliseconds)
const instant = z.number().min(0).max(8.64e15)
const count = z.int().min(1).max(mostCounted)

/** Counts between bounds, with a sum that such values can have. */
const histogram = (bounds: readonly number[], largest: number) =>
	z
		.object({
			counts: z
				.array(z.int().min(0).max(mostCounted))
				.length(bounds.length + 1)
				.openapi({ description: `Values up to ${bounds.join(', ')}, and over the last.` }),
			sum: z.number().min(0),
		})
		.refine(
			({ counts, sum }) => {
				const within = (edges: readonly number[]) => counts.reduce((total, count, at) => total + count * (edges[at] ?? 0), 0)
				// Sums of fractions are not exact.
				return sum >= within([0, ...bounds]) * (1 - 1e-9) && sum <= within([...bounds, largest]) * (1 + 1e-9)
			},
			{ message: 'the sum does not fit the counts', path: ['sum'] },
		)

const calls = histogram(callBounds, mostMilliseconds)

const span = z.object({
	trace: z.string().regex(/^(?!0{32})[0-9a-f]{32}$/),
	span: z.string().regex(/^(?!0{16})[0-9a-f]{16}$/),
	operation: word,
	model: name,
	start: instant,
	duration: milliseconds,
	executor: name.optional(),
	provider: name.optional(),
	version: name.optional(),
	variant: name.optional(),
	queue: milliseconds.optional(),
	run: milliseconds.optional(),
	batch: z.int().min(0).max(mostCounted).optional(),
	overflow: z
		.array(z.object({ executor: name, reason: word }))
		.max(8)
		.optional(),
	error: word.optional(),
})

export const reportSchema = z
	.object({
		format: z.literal(reportFormat),
		id: z.uuid().openapi({ description: 'However often a report is sent, it counts once.' }),
		version: name.openapi({ description: "Version of the page's package." }),
		build: name.openapi({ example: 'Chromium 156' }),
		device: z.object({
			browser: z.enum(['chromium', 'firefox', 'safari', 'other']),
			cores: z.enum(['1-2', '3-4', '5-8', '9+', 'unknown']),
			memory: z.enum(['<4', '4-7', '8+', 'unknown']),
			isolated: z.boolean(),
			gpu: z.boolean(),
		}),
		madeAt: instant.openapi({ description: "Milliseconds since 1970 by the page's clock, which may be wrong." }),
		sentAt: instant,
		calls: z
			.array(
				z.object({
					model: name,
					executor: name,
					provider: name.nullable(),
					total: calls,
					queue: calls,
					run: calls,
					batch: histogram(batchBounds, mostCounted),
				}),
			)
			.max(most.calls),
		loads: z.array(z.object({ model: name, phase: word, time: histogram(loadBounds, mostMilliseconds) })).max(most.loads),
		overflow: z.array(z.object({ model: name, executor: name, reason: word, count })).max(most.overflow),
		errors: z.array(z.object({ model: name, operation: word, code: word, count })).max(most.errors),
		bytes: z.array(z.object({ model: name, source: word, count: z.int().min(0).max(1e12) })).max(most.bytes),
		spans: z.array(span).max(most.spans),
		key: z.string().optional().openapi({ description: 'The API key, where no header can be sent.' }),
	})
	.openapi('TelemetryReport')

/** A report as it came. */
export type ReceivedReport = z.output<typeof reportSchema>
