// Reads `/metrics` in tests.

import { call, type EdgeUnderTest, keys } from './suites/under-test.ts'

/** All figures of an edge of the suites. */
export const figuresOf = async (edge: EdgeUnderTest): Promise<string> => (await call(edge, '/metrics', { key: keys.metrics })).text()

/** The sum of a metric's samples that have these labels, in any order; 0 when there is none. */
export const valueIn = (figures: string, name: string, labels: Record<string, string> = {}): number =>
	figures
		.split('\n')
		.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
		.filter((line) => Object.entries(labels).every(([label, wanted]) => line.includes(`${label}="${wanted}"`)))
		.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
