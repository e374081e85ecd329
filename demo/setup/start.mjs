// Set-up, then the edge with the demo as a process on the repository's Node; this process hands signals on.

import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { build } from './build.mjs'
import { node, root } from './command.mjs'
import { install } from './install.mjs'
import { fail, SetupError, say } from './report.mjs'
import { demoKey } from './state.mjs'

/** Milliseconds until the first answer, after which something is wrong. */
const patience = 120_000

export async function start() {
	try {
		const port = portWanted()
		await checkFree(port)
		await install()
		await build()
		await serve(port, demoKey())
	} catch (error) {
		fail(error)
	}
}

function portWanted() {
	const { PORT = '8787' } = process.env
	const port = Number(PORT)
	if (Number.isInteger(port) && port > 0 && port < 65_536) return port
	throw new SetupError(`PORT is "${PORT}", but must be a number from 1 to 65535.`)
}

/** Tells before minutes of set-up, not after them. */
function checkFree(port) {
	return new Promise((resolve, reject) => {
		const probe = createServer()
		probe.on('error', ({ code, message }) =>
			reject(
				new SetupError(
					code === 'EADDRINUSE'
						? `Port ${port} is taken. End what uses it, or choose another: PORT=${port === 8788 ? 8789 : 8788} npm start`
						: `Port ${port} cannot be used: ${message}`,
				),
			),
		)
		probe.listen(port, '127.0.0.1', () => probe.close(resolve))
	})
}

/** Runs the edge until it ends, and says when it answers. */
async function serve(port, key) {
	say('Starting the edge …')
	// A process group of its own: Ctrl-C in a terminal reaches it once, through this process.
	const edge = spawn(node, [join(root, 'demo', 'setup', 'serve.mjs'), String(port), key], {
		cwd: root,
		detached: true,
		stdio: ['ignore', 2, 2, 'ipc'],
	})
	let stopping = false
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
		process.on(signal, () => {
			if (!stopping) edge.kill('SIGTERM')
			stopping = true
		})
	}
	const ended = new Promise((resolve) => {
		edge.on('error', (error) => resolve(`cannot be started: ${error.message}`))
		edge.on('exit', (code, signal) => resolve(code === 0 || (stopping && signal) ? null : `ended with ${signal ?? `exit code ${code}`}`))
	})
	const outcome = await Promise.race([ended, answers(port, key)])
	if (outcome === 'answers') process.stdout.write(`ready http://localhost:${port} key=${key}\n`)
	const fault = await ended
	if (fault !== null) throw new SetupError(`The edge ${fault}.`)
}

/** Asks for a vector until one comes: only then does the whole way work. */
async function answers(port, key) {
	const until = Date.now() + patience
	let last
	while (Date.now() < until) {
		try {
			const response = await fetch(`http://127.0.0.1:${port}/openai/v1/embeddings`, {
				method: 'POST',
				headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
				body: JSON.stringify({ model: 'minilm', input: 'Is anybody there?' }),
				signal: AbortSignal.timeout(patience),
			})
			last = `${response.status} ${await response.text()}`
			if (response.ok) return 'answers'
		} catch (error) {
			last = error.cause?.message ?? error.message
		}
		await new Promise((resolve) => setTimeout(resolve, 100))
	}
	throw new SetupError(`The edge did not answer within ${patience / 1000} s. It last said: ${last}`)
}
