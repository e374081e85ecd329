// A server under measurement: a process that answers the same requests from the same upstream.

import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { type Child, type ChildOptions, startChild } from '../../../edge/harness/child.ts'

export interface Contender {
	readonly name: string
	/** Where a request of a workload goes, and what it needs beside its own headers. */
	address(path: string): { url: string; headers: Record<string, string> }
	/** Processor time that its processes have used, in milliseconds. */
	cpu(): Promise<number>
	/** Resident memory of its processes, in MB. */
	memory(): Promise<number>
	close(): Promise<void>
}

/** What a contender is started with. */
export interface Setting {
	/** The upstream's address. */
	upstream: string
	/** Folder with what was installed for this benchmark. */
	work: string
}

export const bearer = { authorization: 'Bearer sk-bench' }

/** Starts a process that prints `listening <address>`. */
export const listening = (options: Pick<ChildOptions<string>, 'args' | 'env' | 'cwd'>): Promise<Child<string>> =>
	startChild({ command: process.execPath, readyFd: 1, ready: (line) => /^(?:listening|ready) (http\S+)/.exec(line)?.[1], ...options })

/** @param url of the process. @param prefix before each path of a workload. */
export const contenderOf = (
	name: string,
	child: Child<unknown>,
	url: string,
	prefix = '',
	headers: Record<string, string> = bearer,
): Contender => ({
	name,
	address: (path) => ({ url: url + prefix + path, headers }),
	cpu: () => sumOf(child.process.pid, cpuOf),
	memory: () => sumOf(child.process.pid, memoryOf),
	close: () => child.stop(),
})

/** Of a process and its children, as Linux tells it; NaN elsewhere. */
async function sumOf(pid: number | undefined, of: (pid: number) => Promise<number>): Promise<number> {
	if (pid === undefined || process.platform !== 'linux') return Number.NaN
	const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
	const parents = await Promise.all(all.map(async (name) => [Number(name), await parentOf(Number(name))] as const))
	const family = [pid, ...parents.filter(([, parent]) => parent === pid).map(([child]) => child)]
	return (await Promise.all(family.map(of))).reduce((sum, one) => sum + one, 0)
}

/** Fields after the command's name, which may hold blanks. */
async function statOf(pid: number): Promise<string[]> {
	const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
	return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

const parentOf = async (pid: number) => Number((await statOf(pid))[1])

/** In ticks of 10 ms. */
const cpuOf = async (pid: number) => {
	const stat = await statOf(pid)
	return (Number(stat[11]) + Number(stat[12])) * 10
}

/** In pages of 4 KiB. */
const memoryOf = async (pid: number) => (Number((await statOf(pid))[21]) * 4096) / 1e6

/** A port that is free, for programs that cannot choose one. */
export const freePort = (): Promise<number> =>
	new Promise((resolve) => {
		const server = createServer()
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address() as { port: number }
			server.close(() => resolve(port))
		})
	})
