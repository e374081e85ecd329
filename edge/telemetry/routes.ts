// The telemetry routes, for the OpenAPI document.

import { createRoute, z } from '@hono/zod-openapi'
import { keyed, problems } from '../openapi/shared.ts'
import { reportSchema } from './schema.ts'

const body = { schema: reportSchema }

export const routes = {
	report: createRoute({
		method: 'post',
		path: '/v1/telemetry',
		tags: ['Telemetry'],
		summary: 'Takes in what a page reports of its calls and loads',
		description:
			'At most 64 KiB. The key is that of calls; it may stand in the body (`key`) in place of a header, so that `navigator.sendBeacon` can send it, ' +
			'and the content type may be `text/plain`, so that no preflight is needed. Reports have a quota of their own (`telemetry.reportsPerMinute`). ' +
			'A report with an `id` that has come before is answered alike and not counted again.',
		security: keyed,
		request: { body: { required: true, content: { 'application/json': body, 'text/plain': body } } },
		responses: { 204: { description: 'Taken in' }, ...problems(400, 401, 403, 413, 429, 503) },
	}),
	spans: createRoute({
		method: 'get',
		path: '/v1/telemetry',
		tags: ['Telemetry'],
		summary: 'The latest spans of pages and of this edge, as OTLP',
		description: 'Sampled calls, loads, and calls of pages that failed; at most 1000. Open as the figures are (`metrics.access`).',
		security: [{}, { bearer: [] }, { apiKey: [] }],
		responses: {
			200: {
				description: 'What an OTLP exporter would send (ExportTraceServiceRequest as JSON)',
				content: { 'application/json': { schema: z.looseObject({}) } },
			},
			...problems(401, 403),
		},
	}),
}
