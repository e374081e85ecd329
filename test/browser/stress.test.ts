// Ten thousand calls on tiny models, and five hundred on the shipped one, while all goes wrong that can: test/full has the longer runs.

import { beforeAll, test } from 'vitest'
import { censusFlags } from './census.ts'
import { getBrowser } from './launch.ts'
import { type Stand, stressMinilm, stressStand, stressTiny } from './stress.ts'
import type { Fault } from './stress-plan.ts'

let stand: Stand
beforeAll(async () => {
	stand = await stressStand(await getBrowser(censusFlags))
})

test('10,000 calls on tiny models', { timeout: 300_000 }, () => {
	const faults: Fault[] = ['session', 'error', 'engine', 'session', 'busy', 'dispose', 'session', 'engine', 'busy', 'dispose', 'error']
	return stressTiny(stand, { seed: 4, calls: 10_000, faults })
})

test('500 calls on the shipped model', { timeout: 300_000 }, () =>
	stressMinilm(stand, { seed: 5, calls: 500, faults: ['session', 'engine', 'busy', 'dispose', 'session'] }),
)
