// A Chromium with a profile of its own that outlives it, and that can be killed as a crash or the system would.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type BrowserContext, chromium } from 'playwright-core'
import { findChromium } from '../setup/chromium.mjs'
import { flags } from './flags.ts'

export interface Profiled {
	/** The profile's own. */
	readonly context: BrowserContext
	/** Ends the browser's process with SIGKILL; resolves when it is gone. */
	kill(): Promise<void>
	/** Ends it in order. */
	close(): Promise<void>
}

/**
 * Starts the browser on a profile.
 *
 * @param folder of the profile; made if it is not there.
 */
export async function openProfile(folder: string): Promise<Profiled> {
	const args = [...flags, '--headless', '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank']
	const process = spawn(await findChromium(), args, { stdio: ['ignore', 'ignore', 'pipe'] })
	const gone = once(process, 'exit')
	const browser = await chromium.connectOverCDP(await address(process))
	const [context] = browser.contexts()
	if (!context) throw new Error('the browser has no profile')
	return {
		context,
		async kill() {
			process.kill('SIGKILL')
			await gone
			await browser.close()
		},
		async close() {
			const session = await browser.newBrowserCDPSession()
			await session.send('Browser.close').catch(() => {})
			await gone
		},
	}
}

/** Where it says that it can be spoken to. */
async function address({ stderr }: ChildProcess): Promise<string> {
	if (stderr) {
		const lines = createInterface({ input: stderr })
		for await (const line of lines) {
			const found = line.match(/listening on (ws:\S+)/)?.[1]
			if (!found) continue
			// Nobody reads on, and nobody must wait for that.
			stderr.resume()
			return found
		}
	}
	throw new Error('the browser did not start')
}
