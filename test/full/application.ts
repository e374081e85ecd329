// An application of another origin than the edge's whose script tag it uses, open in Firefox.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inject } from 'vitest'
import { atEnd } from '../fixtures/at-end.ts'
import { launchFirefox } from './firefox.ts'
import type { BrowserUnderTest } from './tab.ts'

/** Firefox with the application open in it. */
export interface Application extends BrowserUnderTest {
	/** The application's. */
	readonly address: string
}

/** Closes both when the tests of the file are over. */
export async function openApplication(executable: string): Promise<Application> {
	const html = `<!doctype html><title>An application</title><script src="${inject('edge').url}/spillway.js"></script>`
	const application = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html)).listen(0, '127.0.0.1')
	let firefox: BrowserUnderTest | undefined
	atEnd(async () => {
		await firefox?.close()
		application.close()
		application.closeAllConnections()
	})
	await once(application, 'listening')
	firefox = await launchFirefox(executable)
	const address = `http://127.0.0.1:${(application.address() as AddressInfo).port}/`
	await firefox.open(address)
	return { ...firefox, address }
}
