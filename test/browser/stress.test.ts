// Ten thousand calls on tiny models while all goes wrong that can: test/full has longer runs, and those on the shipped model.

import { beforeAll, test } from 'vitest'
import { censusFlags } from './census.ts'
import { getBrowser } from './launch.ts'
import { type Stand, stressStand, stressTiny } from './stress.ts'
import type { Fault } from './stress-plan.ts'

let stand: Stand
beforeAll(async () => {
	stand = await stressStand(await getBrowser(censusFlags))
})

test('10,000 calls on tiny models', { timeout: 300_000 }, () => {
	const faults: Fault[] = ['session', 'error', 'engine', 'session', 'busy', 'dispose', 'session', 'engine', 'busy', 'dispose', 'error']
	return stressTiny(stand, { seed: 4, calls: 10_000, faults })
})
