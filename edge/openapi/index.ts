// `/openapi.json` and the page to read it, `/docs`.

import { Hono } from 'hono'
import type { EdgeEnv } from '../env.ts'
import type { EdgeParts } from '../parts.ts'
import { protos } from '../protocols/grpc/protos.ts'
import { respondJson } from '../protocols/respond.ts'
import { openapiDocument } from './document.ts'
import { docsPage, docsPolicy, startScript, swaggerFolder } from './page.ts'

export function openapi({ build }: Pick<EdgeParts, 'build'>): Hono<EdgeEnv> {
	// Made when first asked for: it takes some milliseconds, which a worker's start should not pay.
	let made: object | undefined
	const app = new Hono<EdgeEnv>()
	app.get('/openapi.json', (c) => {
		made ??= openapiDocument(build.version)
		return respondJson(c, made, { headers: { 'access-control-allow-origin': '*', 'cache-control': 'no-cache' } })
	})
	app.route('/', protos())
	app.get('/docs', (c) => c.html(docsPage, 200, { 'content-security-policy': docsPolicy }))
	app.get('/docs/', (c) => c.redirect('/docs', 301))
	app.get(`${swaggerFolder}/start.js`, (c) => c.body(startScript, 200, { 'content-type': 'text/javascript; charset=utf-8' }))
	return app
}
