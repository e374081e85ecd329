// A headless Firefox over WebDriver BiDi: just enough to open a page and ask it something.
// Playwright drives Firefox builds of its own; the stock one lacks commands that it sends.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrowserUnderTest, Tab } from './tab.ts'

/** @param preferences as in `about:config`. */
export async function launchFirefox(executable: string, preferences: Record<string, unknown> = {}): Promise<BrowserUnderTest> {
	const profile = await mkdtemp(join(tmpdir(), 'spillway-firefox-'))
	const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
	await writeFile(join(profile, 'user.js'), lines.join(''))
	const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0']
	const browser = spawn(executable, args, { stdio: ['ignore', 'ignore', 'pipe'] })
	const send = await connect(`${await listening(browser)}/session`)
	await send('session.new', { capabilities: {} })
	const { contexts } = (await send('browsingContext.getTree', {})) as { contexts: { context: string }[] }
	const tab = (context: string | undefined): Omit<Tab, 'close'> => ({
		async open(url) {
			await send('browsingContext.navigate', { context, url, wait: 'complete' })
		},
		async evaluate<T>(body: string) {
			const expression = `(async () => JSON.stringify(await (async () => { ${body} })()))()`
			const reply = (await send('script.evaluate', { expression, target: { context }, awaitPromise: true })) as Evaluated
			if (reply.type === 'exception') throw new Error(reply.exceptionDetails.text)
			return (reply.result.value === undefined ? undefined : JSON.parse(reply.result.value)) as T
		},
	})
	return {
		...tab(contexts[0]?.context),
		async window() {
			const { context } = (await send('browsingContext.create', { type: 'window' })) as { context: string }
			const close = async () => {
				const closed = send('browsingContext.close', { context })
				closed.catch(() => {})
				// A worker that hangs (see `engine-contract.ts`) may keep its window open; the browser's own end does not ask it.
				await Promise.race([closed, sleep(10_000, undefined, { ref: false })])
			}
			return { ...tab(context), close }
		},
		async close() {
			browser.kill('SIGKILL')
			if (browser.exitCode === null && browser.signalCode === null) await once(browser, 'exit')
			await rm(profile, { recursive: true, force: true, maxRetries: 5 })
		},
	}
}

type Evaluated = { type: 'success'; result: { value?: string } } | { type: 'exception'; exceptionDetails: { text: string } }

/** The address that Firefox says it listens on. */
async function listening(browser: ChildProcess): Promise<string> {
	if (!browser.stderr) throw new Error('no pipe')
	let said = ''
	for await (const line of createInterface(browser.stderr)) {
		said += `${line}\n`
		const address = /WebDriver BiDi listening on (ws:\S+)/.exec(line)?.[1]
		if (address) {
			browser.stderr.resume()
			return address
		}
	}
	throw new Error(`Firefox did not start:\n${said}`)
}

/** Milliseconds for a command: a little less than a test may take, so that who hangs is told. */
const patience = 110_000

type Send = (method: string, params: object) => Promise<unknown>

interface Reply {
	id?: number
	type: 'success' | 'error' | 'event'
	result?: unknown
	message?: string
}

async function connect(url: string): Promise<Send> {
	const socket = new WebSocket(url)
	const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
	socket.addEventListener('message', ({ data }) => {
		const { id = 0, type, result, message } = JSON.parse(data) as Reply
		if (type === 'success') waiting.get(id)?.resolve(result)
		else if (type === 'error') waiting.get(id)?.reject(new Error(message))
	})
	socket.addEventListener('close', () => {
		for (const { reject } of waiting.values()) reject(new Error('Firefox is gone'))
	})
	await once(socket, 'open')
	let last = 0
	return (method, params) => {
		const id = ++last
		const answered = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }))
		const late = new Error(`Firefox did not answer ${method} ${JSON.stringify(params).slice(0, 500)}`)
		const timer = setTimeout(() => waiting.get(id)?.reject(late), patience)
		socket.send(JSON.stringify({ id, method, params }))
		return answered.finally(() => {
			clearTimeout(timer)
			waiting.delete(id)
		})
	}
}
