// A real Triton with the model `tiny`, for the tests that need one. test/full.mjs makes the Python that has it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '../package/repository.ts'
import { freePort } from '../start/npm-start.ts'

/** Undefined where there is none: what needs it is skipped. */
export const tritonPython = process.env.TEST_PYTHON_TRITON

/** A span as Triton tells it. */
export interface TritonSpan {
	readonly traceId: string
	readonly spanId: string
	readonly parentSpanId?: string
	/** The model's for the span of a call. */
	readonly name: string
}

export interface RunningTriton {
	/** Over REST. */
	readonly url: string
	/** Over gRPC. */
	readonly grpcUrl: string
	/** Spans that it has told of: those of calls whose trace is recorded, seconds later. */
	readonly spans: readonly TritonSpan[]
	/** Calls get no answer until the returned function is called. */
	hold(): () => void
	close(): Promise<void>
}

/** Milliseconds that it may take to start. */
const patience = 90_000

/** Starts it; the model answers. */
export async function startTriton(): Promise<RunningTriton> {
	const folder = mkdtempSync(join(tmpdir(), 'spillway-triton-'))
	const gate = join(folder, 'gate')
	const collector = await startCollector()
	const [rest, grpc] = [await freePort(), await freePort()]
	const url = `http://127.0.0.1:${rest}`
	const script = join(root, 'test', 'python', 'triton_server.py')
	const server = spawn(tritonPython ?? '', [script, `${rest}`, `${grpc}`, gate, collector.url], {
		stdio: ['ignore', 'ignore', 'pipe'],
		// A group of its own: Triton leaves the processes of its models behind.
		detached: true,
	})
	const killAll = () => {
		try {
			if (server.pid) process.kill(-server.pid, 'SIGKILL')
		} catch {
			// None is left.
		}
	}
	process.once('exit', killAll)
	let log = ''
	server.stderr.setEncoding('utf8').on('data', (text: string) => {
		log += text
	})

	async function close() {
		if (server.exitCode === null && server.signalCode === null) {
			const exited = once(server, 'exit')
			// It ends Triton, which is a process of its own.
			server.kill('SIGTERM')
			await Promise.race([exited, sleep(20_000, undefined, { ref: false })])
		}
		killAll()
		process.off('exit', killAll)
		await collector.close()
		rmSync(folder, { recursive: true, force: true })
	}

	const until = Date.now() + patience
	while (!(await answers(`${url}/v2/models/tiny/ready`))) {
		if (server.exitCode === null && Date.now() < until) await sleep(200)
		else {
			await close()
			throw new Error(`Triton did not start\n${log}`)
		}
	}
	return {
		url,
		grpcUrl: `http://127.0.0.1:${grpc}`,
		spans: collector.spans,
		hold() {
			writeFileSync(gate, '')
			return () => rmSync(gate, { force: true })
		},
		close,
	}
}

const answers = (url: string): Promise<boolean> =>
	fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
		(response) => response.ok,
		() => false,
	)

interface Exported {
	resourceSpans?: { scopeSpans: { spans: TritonSpan[] }[] }[]
}

/** Takes what Triton exports (OTLP over HTTP, as JSON); what its Python tells is another form, and passed over. */
async function startCollector() {
	const spans: TritonSpan[] = []
	const server = createServer(async (request, response) => {
		const body = Buffer.concat(await request.toArray())
		response.end()
		if (request.headers['content-type'] !== 'application/json') return
		const { resourceSpans = [] } = JSON.parse(body.toString()) as Exported
		spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)))
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	return {
		spans,
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
		close: () =>
			new Promise<void>((resolve) => {
				server.closeAllConnections()
				server.close(() => resolve())
			}),
	}
}
