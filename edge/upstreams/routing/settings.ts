// How calls to a model find their upstream: settings of the configuration's models.

import { z } from 'zod'
import { milliseconds } from '../../config/fields.ts'

export const routingSchema = z.strictObject({
	/** Whom calls prefer: who is expected to answer first, or the cheapest that has room (`cost` of the upstreams). */
	prefer: z.enum(['latency', 'cost']).default('latency'),
	/** Milliseconds after which a second upstream is asked as well, and the first answer taken; `auto`: twice the time that was expected. */
	hedge: z.union([milliseconds, z.literal('auto')], 'must be milliseconds, or "auto"').optional(),
	/** Rows (texts) from which on a call is divided among upstreams of one variant; `false`: never. */
	split: z.union([z.int().min(2), z.literal(false)], 'must be a number of rows, 2 or more, or false').default(64),
	/** Lets the rows of different calls share runs on upstreams that do not batch themselves. Node only. */
	batch: z
		.strictObject({
			/** Most rows of a run; without it, as many as the measured times make worth while. */
			rows: z.int().min(1).optional(),
			/** Most milliseconds that a run waits for more rows; without it, as long as the measured arrivals make it pay. */
			wait: z.int().min(0).optional(),
		})
		.optional(),
})

export type RoutingConfig = z.output<typeof routingSchema>
