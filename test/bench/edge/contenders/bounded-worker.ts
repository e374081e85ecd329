// The bare Worker, bounded as by hand: no request to the upstream outlasts the deadline or the client, and no answer is begun before all of it
// is there.

import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'

const app = new Hono<{ Bindings: { UPSTREAM: string } }>()
app.use(bearerAuth({ token: 'sk-bench' }))

/** Milliseconds, as the edge's. */
const deadline = 30_000

app.post('/*', async (c) => {
	const headers: Record<string, string> = { 'content-type': c.req.header('content-type') ?? '' }
	const length = c.req.header('inference-header-content-length')
	if (length !== undefined) headers['inference-header-content-length'] = length
	const over = new AbortController()
	const stop = () => over.abort()
	const timer = setTimeout(stop, deadline)
	c.req.raw.signal.addEventListener('abort', stop)
	try {
		const body = await c.req.arrayBuffer()
		const answer = await fetch(c.env.UPSTREAM + c.req.path, { method: 'POST', headers, body, signal: over.signal })
		return new Response(await answer.arrayBuffer(), { status: answer.status, headers: answer.headers })
	} finally {
		clearTimeout(timer)
		c.req.raw.signal.removeEventListener('abort', stop)
	}
})

export default app
