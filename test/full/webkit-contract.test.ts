// The executor contract, held by the engine in WebKitGTK.

import { describe } from 'vitest'
import { engineContract } from './engine-contract.ts'
import { launchWebkit } from './webkit.ts'

const driver = process.env.TEST_WEBKIT

describe.skipIf(!driver)('WebKitGTK', () => engineContract(() => launchWebkit(driver ?? '')))
