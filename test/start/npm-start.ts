// `npm start` as a person runs it, for tests: on a free port, in a process group of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { root } from '../package/repository.ts'

export interface Started {
	readonly npm: ChildProcess
	/** What it wrote to standard output, npm's own lines left out. */
	readonly lines: readonly string[]
	readonly url: string
	readonly port: number
	/** Of native gRPC. */
	readonly grpcPort: number
	readonly key: string
	/** Resolves with npm's exit code when it and all that it started is gone. */
	readonly ended: Promise<number | null>
	/** Sends a signal to npm alone, or to its whole process group as a terminal does. */
	signal(name: NodeJS.Signals, to: 'npm' | 'group'): void
}

export async function freePort(): Promise<number> {
	const server = createServer().listen(0, '127.0.0.1')
	await once(server, 'listening')
	const { port } = server.address() as AddressInfo
	server.close()
	await once(server, 'close')
	return port
}

/**
 * Runs `npm start` until it says that it is ready.
 * @throws Error with what it wrote, when it ends before that.
 */
export async function npmStart(port?: number): Promise<Started> {
	const chosen = port ?? (await freePort())
	const grpcPort = await freePort()
	const npm = spawn('npm', ['start'], {
		cwd: root,
		env: { ...process.env, PORT: String(chosen), GRPC_PORT: String(grpcPort) },
		detached: true,
		stdio: ['ignore', 'pipe', 'pipe'],
	})
	const lines: string[] = []
	let errors = ''
	npm.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
	const ended = new Promise<number | null>((resolve) => npm.on('close', resolve))
	const ready = new Promise<RegExpExecArray>((resolve) => {
		npm.stdout.setEncoding('utf8').on('data', (text: string) => {
			lines.push(...text.split('\n').filter((line) => line !== '' && !line.startsWith('> ')))
			const found = /^ready (\S+) key=(\S+)$/.exec(lines.at(-1) ?? '')
			if (found) resolve(found)
		})
	})
	const failed = ended.then((code) => {
		throw new Error(`npm start ended with exit code ${code}:\n${errors}`)
	})
	const [, url = '', key = ''] = await Promise.race([ready, failed])
	failed.catch(() => {})
	const pid = npm.pid ?? Number.NaN
	return { npm, lines, url, port: chosen, grpcPort, key, ended, signal: (name, to) => process.kill(to === 'npm' ? pid : -pid, name) }
}
