// Takes in what pages report, adds it to the figures, and keeps the latest spans.

import { Hono } from 'hono'
import { SpillwayError } from '../../runtime/core/error.ts'
import { maxReportAge, maxReportBytes } from '../../runtime/telemetry/wire.ts'
import { findKey, shownKey } from '../auth/find.ts'
import { checkOrigin } from '../auth/origin.ts'
import type { EdgeEnv } from '../env.ts'
import { readBody } from '../guard/body.ts'
import { checkJson, parseJson } from '../guard/json.ts'
import { mayRead } from '../metrics/access.ts'
import type { EdgeParts } from '../parts.ts'
import type { Protocol } from '../protocols/protocol.ts'
import { respondJson } from '../protocols/respond.ts'
import { figuresOf } from './figures.ts'
import { otlpOf } from './otlp.ts'
import { routes } from './routes.ts'
import { reportSchema } from './schema.ts'
import { spansOf } from './spans.ts'

export const telemetry: Protocol = { name: 'telemetry', paths: ['/v1/telemetry'], routes: telemetryRoutes }

/** Reporting needs a key that may call models, reading one that may read the figures. */
function telemetryRoutes(parts: EdgeParts): Hono<EdgeEnv> {
	const { config, quota, metrics, reports, spans, build } = parts
	const { reportsPerMinute } = config.telemetry
	const app = new Hono<EdgeEnv>()

	app.post(routes.report.getRoutingPath(), async (c) => {
		const arrived = Date.now()
		const request = c.req.raw
		const body = await readBody(request, { limit: maxReportBytes, remaining: c.get('remaining')() })
		const key = await findKey(shownKey(request) ?? keyIn(body), config.keys)
		checkOrigin(request, key)
		if (!key.scopes.includes('infer')) throw new SpillwayError('forbidden', 'this key lacks the scope "infer"')
		// Under a name that no key can have.
		const { allowed, retryAfter } = await quota.take(`telemetry:${key.id}`, reportsPerMinute)
		if (!allowed) throw new SpillwayError('rate-limited', `over the key's quota of ${reportsPerMinute} reports a minute`, { retryAfter })
		const report = checkJson(reportSchema, parseJson(body))
		// By the page's own clock, so that it does not matter if that is wrong.
		if (Math.abs(report.sentAt - report.madeAt) > maxReportAge)
			throw new SpillwayError('invalid-input', `madeAt: the report is older than the ${maxReportAge} ms for which its id is remembered`)
		if (await reports.first(report.id)) {
			await metrics.add(figuresOf(report, config))
			await spans.add(spansOf(report, arrived))
		}
		return c.body(null, 204)
	})

	app.get(routes.spans.getRoutingPath(), mayRead(parts), async (c) =>
		respondJson(c, otlpOf(await spans.latest(), build.version), { headers: { 'cache-control': 'no-store' } }),
	)

	return app
}

/** The key in a body, if that is a report's. */
function keyIn(body: Uint8Array): string | undefined {
	try {
		const { key } = parseJson(body) as { key?: unknown }
		return typeof key === 'string' ? key : undefined
	} catch {
		return undefined
	}
}
