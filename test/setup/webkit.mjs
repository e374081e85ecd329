// A WebKitGTK for the tests, where there is one: its WebDriver, and a display for it.

import { find } from './program.mjs'

/** The path of WebKitGTK's WebDriver, or `undefined` where it or Xvfb is missing. */
export function findWebkit() {
	const [driver] = find([process.env.TEST_WEBKIT ?? 'WebKitWebDriver'])
	return driver && find(['Xvfb']).length > 0 ? driver : undefined
}
