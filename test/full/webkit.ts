// WebKitGTK over WebDriver: just enough to open pages and ask them something. It needs a display: each has an Xvfb of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrowserUnderTest, Tab } from './tab.ts'

/** What Safari has and WebKitGTK leaves to the application. */
const likeSafari = ['FileSystem', 'AccessHandle', 'FileSystemWritableStream', 'StorageAPI', 'StorageAPIEstimate']
	.map((name) => `+${name}`)
	.join()

/** Milliseconds for the start on a busy machine. */
const patience = 60_000

/**
 * Starts a browser with an empty profile that is gone afterwards: WebKitGTK keeps nothing beyond a session that is driven.
 *
 * @param driver path of `WebKitWebDriver`.
 */
export async function launchWebkit(driver: string): Promise<BrowserUnderTest> {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-webkit-'))
	const xvfb = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
		stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
	})
	const display = await displayOf(xvfb)
	const port = await freePort()
	const web = spawn(driver, [`--port=${port}`], {
		stdio: 'ignore',
		// A process group, with the browser in it.
		detached: true,
		env: {
			...process.env,
			DISPLAY: `:${display}`,
			XDG_CACHE_HOME: folder,
			XDG_CONFIG_HOME: folder,
			XDG_DATA_HOME: folder,
			GDK_BACKEND: 'x11',
			LIBGL_ALWAYS_SOFTWARE: '1',
			NO_AT_BRIDGE: '1',
			WEBKIT_DISABLE_COMPOSITING_MODE: '1',
			// Safari has it in pages that are cross-origin isolated.
			JSC_useSharedArrayBuffer: '1',
		},
	})
	const session = await startSession(`http://127.0.0.1:${port}`)
	const first = (await session('GET', '/window')) as string
	return {
		...tabOf(session, first),
		async window() {
			const { handle } = (await session('POST', '/window/new', { type: 'window' }, first)) as { handle: string }
			return tabOf(session, handle)
		},
		async close() {
			await session('DELETE', '').catch(() => {})
			if (web.pid) process.kill(-web.pid, 'SIGKILL')
			xvfb.kill()
			for (const child of [web, xvfb]) if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
			await rm(folder, { recursive: true, force: true, maxRetries: 5 })
		},
	}
}

/** A command of the session: those for a window name it, for WebDriver has one current window. */
type Session = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object, window?: string) => Promise<unknown>

async function startSession(address: string): Promise<Session> {
	const capabilities = {
		alwaysMatch: { 'webkitgtk:browserOptions': { args: ['--automation', `--features=${likeSafari}`] } },
	}
	for (const end = Date.now() + patience; ; await sleep(100)) {
		const up = await fetch(`${address}/status`).catch(() => undefined)
		if (up?.ok) break
		if (Date.now() > end) throw new Error("WebKitGTK's WebDriver did not start")
	}
	const { sessionId } = (await command(`${address}/session`, 'POST', { capabilities })) as { sessionId: string }
	let current: string | undefined
	let last: Promise<unknown> = Promise.resolve()
	return (method, path, body, window) => {
		const turn = last.then(async () => {
			const at = `${address}/session/${sessionId}`
			if (window !== undefined && window !== current) {
				await command(`${at}/window`, 'POST', { handle: window })
				current = window
			}
			return command(at + path, method, body)
		})
		last = turn.catch(() => {})
		return turn
	}
}

async function command(url: string, method: string, body: object = {}): Promise<unknown> {
	const response = await fetch(url, { method, ...(method === 'POST' && { body: JSON.stringify(body) }) })
	const { value } = (await response.json()) as { value: { message?: string } | null }
	if (!response.ok) throw new Error(`WebKitGTK: ${method} ${url}: ${value?.message ?? response.status}`)
	return value
}

function tabOf(session: Session, window: string): Tab {
	let evaluations = 0
	const run = (script: string) => session('POST', '/execute/sync', { script, args: [] }, window)
	return {
		async open(url) {
			await session('POST', '/url', { url }, window)
		},
		// One command waits for the other, so none may wait for the page.
		async evaluate<T>(body: string) {
			const id = ++evaluations
			await run(`
				const told = (window.webdriverTold ??= {})
				;(async () => JSON.stringify(await (async () => { ${body} })()))().then(
					(value) => { told[${id}] = { value: value ?? null } },
					(error) => { told[${id}] = { error: String(error?.message ?? error) } },
				)
			`)
			for (let pause = 5; ; pause = Math.min(2 * pause, 100)) {
				const told = (await run(
					`return window.webdriverTold ? (window.webdriverTold[${id}] ?? null) : { error: 'the page has gone' }`,
				)) as { value?: string | null; error?: string } | null
				if (told?.error !== undefined) throw new Error(told.error)
				if (told) return (told.value == null ? undefined : JSON.parse(told.value)) as T
				await sleep(pause)
			}
		},
		async close() {
			await session('DELETE', '/window', {}, window)
		},
	}
}

/** The display's number, which Xvfb writes when it is there. */
async function displayOf(xvfb: ChildProcess): Promise<number> {
	const pipe = xvfb.stdio[3]
	if (!pipe) throw new Error('no pipe')
	const [said] = (await Promise.race([once(pipe, 'data'), once(xvfb, 'exit')])) as [Buffer | number]
	if (typeof said === 'number') throw new Error(`Xvfb ended with ${said}`)
	return Number(said.toString())
}

/** A port that nobody listens on: the driver cannot tell which it was given. */
async function freePort(): Promise<number> {
	const server = createServer().listen(0, '127.0.0.1')
	await once(server, 'listening')
	const { port } = server.address() as AddressInfo
	server.close()
	await once(server, 'close')
	return port
}
