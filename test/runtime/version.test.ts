// Semantic versions and ranges, held against npm's own.

import fc from 'fast-check'
import semver from 'semver'
import { describe, expect, test } from 'vitest'
import { compareVersions, isRange, satisfies } from '../../runtime/core/version.ts'

const number = fc.oneof(fc.nat(3), fc.nat(20))
const pre = fc
	.array(fc.constantFrom('0', '1', '10', '2', 'alpha', 'beta', 'rc', 'a1', '-'), { minLength: 1, maxLength: 3 })
	.map((parts) => `-${parts.join('.')}`)
const version = fc
	.tuple(number, number, number, fc.option(pre, { nil: '', freq: 3 }))
	.map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`)

const partial = fc.oneof(
	version,
	fc.tuple(number, number).map((parts) => parts.join('.')),
	number.map(String),
	fc.constantFrom('*', 'x', '1.x', '1.2.x', '0.x', '0.0.x', '1.*'),
)
const word = fc.tuple(fc.constantFrom('', '=', '^', '~', '>', '>=', '<', '<='), partial).map((parts) => parts.join(''))
const range = fc
	.array(
		fc.array(word, { minLength: 1, maxLength: 2 }).map((words) => words.join(' ')),
		{ minLength: 1, maxLength: 2 },
	)
	.map((sets) => sets.join(' || '))

describe('versions', () => {
	test('are ordered as npm orders them', () => {
		fc.assert(
			fc.property(version, version, (a, b) => {
				expect(Math.sign(compareVersions(a, b)) + 0).toBe(semver.compare(a, b))
			}),
			{ numRuns: 2_000 },
		)
	})

	test('lie in ranges as npm has it', () => {
		fc.assert(
			fc.property(version, range, (version, range) => {
				expect(isRange(range)).toBe(true)
				// Each alternative for itself: where one of them is any version, npm forgets that another one names a version that prepares one.
				const inOne = range.split(' || ').some((set) => semver.satisfies(version, set))
				expect(satisfies(version, range), `${version} in ${range}`).toBe(inOne)
			}),
			{ numRuns: 5_000 },
		)
	})

	test.each([
		['1.2.0', '1.2.0', true],
		['1.2.1', '1.2.0', false],
		['1.9.9', '^1', true],
		['2.0.0', '^1', false],
		['2.0.0-beta', '^1', false],
		['1.3.0-beta', '^1', false],
		['1.3.0-beta', '^1.3.0-alpha', true],
		['1.2.9', '~1.2', true],
		['1.3.0', '~1.2', false],
		['0.2.5', '^0.2', true],
		['0.3.0', '^0.2', false],
		['3.0.0', '^1 || ^3', true],
	])('%s in %s: %s', (version, range, is) => {
		expect(satisfies(version, range)).toBe(is)
	})

	test.each(['', 'latest', '1.2.3.4', '^', '^^1', '1.x-beta', '1 - 2', 'v1', '>=1,<2', '1 ||'])(
		'%j is no range, and holds nothing',
		(text) => {
			expect(isRange(text)).toBe(false)
			expect(satisfies('1.0.0', text)).toBe(false)
		},
	)
})
