// The executor contract, held by the engine in Firefox.

import { describe } from 'vitest'
import { engineContract } from './engine-contract.ts'
import { launchFirefox } from './firefox.ts'

const executable = process.env.TEST_FIREFOX

describe.skipIf(!executable)('Firefox', () => engineContract(() => launchFirefox(executable ?? '')))
