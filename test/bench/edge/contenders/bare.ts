// What people write by hand: a key, and on to the upstream. usage: bare.ts undici|fetch <upstream>

import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import { Pool } from 'undici'

const [way, upstream = ''] = process.argv.slice(2)
const pool = new Pool(upstream, { connections: 256 })

const app = new Hono()
app.use(bearerAuth({ token: 'sk-bench' }))

app.post('/*', async (c) => {
	const path = new URL(c.req.url).pathname
	const headers = { 'content-type': c.req.header('content-type') ?? '', ...lengthOf(c.req.header('inference-header-content-length')) }
	const body = new Uint8Array(await c.req.arrayBuffer())
	if (way === 'fetch') {
		const answer = await fetch(upstream + path, { method: 'POST', headers, body })
		return new Response(answer.body, { status: answer.status, headers: kept((name) => answer.headers.get(name)) })
	}
	const answer = await pool.request({ path, method: 'POST', headers, body })
	const whole = new Uint8Array(await answer.body.arrayBuffer())
	return new Response(whole, { status: answer.statusCode, headers: kept((name) => answer.headers[name]) })
})

const lengthOf = (length: string | undefined) => (length === undefined ? {} : { 'inference-header-content-length': length })

const kept = (get: (name: string) => unknown): Record<string, string> =>
	Object.fromEntries(
		['content-type', 'inference-header-content-length'].flatMap((name) =>
			typeof get(name) === 'string' ? [[name, String(get(name))]] : [],
		),
	)

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => process.stdout.write(`listening http://127.0.0.1:${port}\n`))
