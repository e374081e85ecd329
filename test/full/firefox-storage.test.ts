// The storage contract in Firefox.

import { describe } from 'vitest'
import { launchFirefox } from './firefox.ts'
import { storageInBrowser } from './storage-in-browser.ts'

const executable = process.env.TEST_FIREFOX

describe.skipIf(!executable)('Firefox', () => storageInBrowser(() => launchFirefox(executable ?? ''), ['opfs', 'cache']))
