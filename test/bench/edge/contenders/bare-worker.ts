// What people deploy by hand on workerd: Hono, a key, and on to the upstream by `fetch`.

import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'

const app = new Hono<{ Bindings: { UPSTREAM: string } }>()
app.use(bearerAuth({ token: 'sk-bench' }))

app.post('/*', async (c) => {
	const headers: Record<string, string> = { 'content-type': c.req.header('content-type') ?? '' }
	const length = c.req.header('inference-header-content-length')
	if (length !== undefined) headers['inference-header-content-length'] = length
	const answer = await fetch(c.env.UPSTREAM + c.req.path, { method: 'POST', headers, body: await c.req.arrayBuffer() })
	return new Response(answer.body, { status: answer.status, headers: answer.headers })
})

export default app
