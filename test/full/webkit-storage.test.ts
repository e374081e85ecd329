// The storage contract in WebKitGTK. Under WebDriver its sessions are private: then there is a file system that cannot be used, as in Safari.

import { describe } from 'vitest'
import { storageInBrowser } from './storage-in-browser.ts'
import { launchWebkit } from './webkit.ts'

const driver = process.env.TEST_WEBKIT

describe.skipIf(!driver)('WebKitGTK', () => storageInBrowser(() => launchWebkit(driver ?? ''), ['cache']))
