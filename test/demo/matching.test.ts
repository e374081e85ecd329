// The help desk's answers: right where there is one, none where there is none. Floors below what was measured (docs/demo.md).

import { beforeAll, expect, test } from 'vitest'
import { threshold } from '../../demo/faq/match.ts'
import { entries } from '../../demo/faq/topics.ts'
import { figures, type Matched, matchAll } from './matching.ts'
import { fresh, seen } from './questions.ts'

let matched: { seen: Matched; fresh: Matched }

beforeAll(async () => {
	matched = await matchAll()
})

test('entries have names of their own, and each has questions to be measured with', () => {
	const ids = entries.map(({ id }) => id)
	expect(ids.length).toBeGreaterThanOrEqual(40)
	expect(new Set(ids).size).toBe(ids.length)
	for (const { answered } of [seen, fresh]) expect(new Set(answered.flatMap(([, ...wanted]) => wanted))).toEqual(new Set(ids))
})

test('questions get the right entry, and seldom a wrong one', () => {
	for (const [set, right, wrong] of [
		['seen', 0.9, 0.06],
		['fresh', 0.72, 0.12],
	] as const) {
		const measured = figures(matched[set], threshold)
		expect(measured.right, set).toBeGreaterThanOrEqual(right)
		expect(measured.wrong, set).toBeLessThanOrEqual(wrong)
	}
})

test('what no entry answers is mostly refused', () => {
	for (const set of ['seen', 'fresh'] as const) expect(figures(matched[set], threshold).rightlyRefused, set).toBeGreaterThanOrEqual(0.72)
})
