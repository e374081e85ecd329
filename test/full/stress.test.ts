// Stress for minutes: other seeds, more calls, and session workers that never come back.

import { beforeAll, test } from 'vitest'
import { censusFlags } from '../browser/census.ts'
import { getBrowser } from '../browser/launch.ts'
import { type Stand, stressMinilm, stressStand, stressTiny } from '../browser/stress.ts'
import type { Fault } from '../browser/stress-plan.ts'

const rounds = (count: number, faults: readonly Fault[]): Fault[] => Array.from({ length: count }, () => faults).flat()

let stand: Stand
beforeAll(async () => {
	stand = await stressStand(await getBrowser(censusFlags))
})

test.each([11, 12])('30,000 calls on tiny models, seed %i', { timeout: 600_000 }, (seed) => {
	const faults = rounds(3, ['session', 'error', 'engine', 'busy', 'session', 'hang', 'dispose'])
	return stressTiny(stand, { seed, calls: 30_000, faults })
})

test('2,000 calls on the shipped model', { timeout: 600_000 }, () => {
	const faults = rounds(2, ['session', 'engine', 'busy', 'hang', 'dispose'])
	return stressMinilm(stand, { seed: 14, calls: 2_000, faults })
})
