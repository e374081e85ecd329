// A headless Chromium for tests.

import { type Browser, chromium } from 'playwright-core'
import { atEnd } from '../fixtures/at-end.ts'
import { findChromium } from '../setup/chromium.mjs'
import { flags } from './flags.ts'

/**
 * Starts a browser; it is closed after the tests of the file.
 *
 * @param args more flags, e.g. for WebGPU on a software adapter.
 * @example const browser = await getBrowser()
 */
export async function getBrowser(args: readonly string[] = []): Promise<Browser> {
	const browser = await chromium.launch({ executablePath: await findChromium(), args: [...flags, ...args] })
	atEnd(() => browser.close())
	return browser
}
