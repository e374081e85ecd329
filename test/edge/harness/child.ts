// A process under test: its output is kept, it has a time limit to start, and it does not outlive the test.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface ChildOptions<Ready> {
	command: string
	args: readonly string[]
	env?: Record<string, string>
	cwd?: string
	/** Where the process says that it is ready. */
	readyFd: 1 | 3
	/** What a line on that descriptor says, if it is the one that is waited for. */
	ready(line: string): Ready | undefined
	/** Milliseconds until that line must be there. */
	patience?: number
}

export interface Child<Ready> {
	readonly ready: Ready
	readonly process: ChildProcess
	/** Everything written to standard output and standard error so far. */
	log(): string
	/** Resolves with the exit code, or the signal's name. */
	readonly exited: Promise<number | string>
	/** Sends SIGTERM, after 5 s SIGKILL, and waits for the end. */
	stop(): Promise<void>
}

/** Starts a process and waits until it says that it is ready. @throws Error with the process's output. */
export async function startChild<Ready>(options: ChildOptions<Ready>): Promise<Child<Ready>> {
	const { command, args, env = {}, cwd, readyFd, patience = 60_000 } = options
	const stdio: StdioOptions = readyFd === 1 ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'pipe', 'pipe', 'pipe']
	const process_ = spawn(command, args, { stdio, cwd, env: { ...process.env, ...env } })
	let log = ''
	for (const fd of [1, 2]) {
		const stream = process_.stdio[fd] as NodeJS.ReadableStream
		stream.setEncoding('utf8').on('data', (text: string) => {
			log += text
		})
	}
	const orphaned = () => process_.kill('SIGKILL')
	process.once('exit', orphaned)
	const exited = new Promise<number | string>((resolve) => {
		process_.on('error', (error) => resolve(error.message))
		process_.on('exit', (code, signal) => {
			process.off('exit', orphaned)
			resolve(code ?? signal ?? -1)
		})
	})
	const stop = async () => {
		process_.kill('SIGTERM')
		const timer = setTimeout(() => process_.kill('SIGKILL'), 5_000)
		await exited
		clearTimeout(timer)
	}
	const said = firstReady(process_.stdio[readyFd] as NodeJS.ReadableStream, options.ready)
	const late = new Promise<never>((_, reject) => {
		const timer = setTimeout(() => reject(new Error(`${command} was not ready within ${patience} ms`)), patience)
		said.finally(() => clearTimeout(timer)).catch(() => {})
	})
	const gone = exited.then((code) => {
		throw new Error(`${command} ended with ${code}`)
	})
	gone.catch(() => {})
	try {
		const ready = await Promise.race([said, late, gone])
		return { ready, process: process_, log: () => log, exited, stop }
	} catch (error) {
		await stop()
		throw new Error(`${(error as Error).message}\n${log}`)
	}
}

function firstReady<Ready>(stream: NodeJS.ReadableStream, read: (line: string) => Ready | undefined): Promise<Ready> {
	return new Promise((resolve) => {
		createInterface({ input: stream }).on('line', (line) => {
			const ready = read(line)
			if (ready !== undefined) resolve(ready)
		})
	})
}
