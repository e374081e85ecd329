// How long calls wait in line for the object that computes.

import { expect, test } from 'vitest'
import { inLine } from '../../edge/platform/workerd/in-line.ts'

test('calls that wait in line are expected to take as long as those before them did, not as long as they have waited', () => {
	let now = 0
	const line = inLine(() => now)
	expect(line.queue()).toBeNull()
	const ends = Array.from({ length: 100 }, () => line.sent())
	// One after the other, 5 ms each: the last one has waited for 495 ms.
	for (const end of ends) {
		now += 5
		end(true)
	}
	now += 10_000
	const [one, other] = [line.sent(), line.sent()]
	expect(line.queue()).toBeCloseTo(10, 5)
	// What failed tells nothing.
	now += 1_000
	one(false)
	expect(line.queue()).toBeCloseTo(5, 5)
	other(false)
	expect(line.queue()).toBe(0)
})
