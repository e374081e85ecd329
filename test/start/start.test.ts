// npm start: says when it really answers, and ends as it is told to, with the requests under way answered.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePort, npmStart, type Started } from './npm-start.ts'

const embeddings = ({ port, key }: Started, input: string | string[]) =>
	fetch(`http://127.0.0.1:${port}/openai/v1/embeddings`, {
		method: 'POST',
		headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
		body: JSON.stringify({ model: 'minilm', input, encoding_format: 'float' }),
	})

/** Enough work for the signal to arrive in its midst. */
const muchText = Array.from({ length: 16 }, (_, at) => `text ${at} `.repeat(60))

const waysToEnd = [
	['SIGTERM', 'npm'],
	['SIGINT', 'group'],
	['SIGTERM', 'group'],
] as const

test.each(waysToEnd)(
	'%s to the %s: the request under way is answered, an idle connection is not waited for',
	{ timeout: 120_000 },
	async (name, to) => {
		const started = await npmStart()
		expect(started.lines).toEqual([`ready http://localhost:${started.port} key=${started.key}`])
		const idle = connect(started.port, '127.0.0.1')
		await once(idle, 'connect')
		idle.on('error', () => {})
		expect((await embeddings(started, 'It answers.')).status).toBe(200)

		const underWay = embeddings(started, muchText)
		await new Promise((resolve) => setTimeout(resolve, 100))
		started.signal(name, to)
		const answer = await underWay
		expect(answer.status).toBe(200)
		expect(((await answer.json()) as { data: unknown[] }).data).toHaveLength(16)
		await started.ended
		idle.destroy()
		// Nothing was left behind: the port is free again.
		const again = createServer().listen(started.port, '127.0.0.1')
		await once(again, 'listening')
		again.close()
	},
)

test('a port that is taken is told at once, with a way out', async () => {
	const port = await freePort()
	const other = createServer().listen(port, '127.0.0.1')
	await once(other, 'listening')
	await expect(npmStart(port)).rejects.toThrow(/Port \d+ is taken.*PORT=\d+ npm start/)
	other.close()
})
