// A Firefox for the tests, where there is one.

import { find } from './program.mjs'

const names = ['firefox-esr', 'firefox', '/Applications/Firefox.app/Contents/MacOS/firefox']

/** The path of a Firefox, or `undefined`. */
export const findFirefox = () => find(process.env.TEST_FIREFOX ? [process.env.TEST_FIREFOX] : names)[0]
