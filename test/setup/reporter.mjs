// What a run of the tests ends with: what failed, told once more, for of a long log often only the end is kept; and the counts, for the
// process that started the run.

import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { root } from '../../demo/setup/command.mjs'
import { notOk } from './not-ok.mjs'

/**
 * A `not ok` line for each failure, as in TAP, with its messages beneath. Whatever goes wrong counts as failed: a test, what a suite or
 * a file sets up or leaves behind, a file that cannot be loaded, an error outside of them all.
 * The counts are written to the file that `TEST_COUNTS` names, as JSON: `{ passed, failed, skipped }`.
 */
export default class Reporter {
	onTestRunEnd(modules, errors) {
		const failures = errors.map((error) => told('outside of all tests', [error]))
		const counts = { passed: 0, failed: 0, skipped: 0 }
		for (const module of modules) {
			const file = relative(root, module.moduleId)
			if (module.errors().length > 0) failures.push(told(file, module.errors()))
			for (const suite of module.children.allSuites())
				if (suite.errors().length > 0) failures.push(told(`${file} > ${suite.fullName}`, suite.errors()))
			for (const test of module.children.allTests()) {
				const { state, errors } = test.result()
				if (state === 'failed') failures.push(told(`${file} > ${test.fullName}`, errors))
				else counts[state === 'passed' ? 'passed' : 'skipped'] += 1
			}
		}
		counts.failed = failures.length
		for (const failure of failures) process.stdout.write(`${failure}\n`)
		writeFileSync(process.env.TEST_COUNTS, JSON.stringify(counts))
	}
}

function told(name, errors) {
	const text = errors.map(({ name, message, stack }) => `${name}: ${message}\n${places(stack)}`).join('\n')
	return notOk(name, stripVTControlCharacters(text))
}

/** Of a stack what is ours. */
const places = (stack = '') =>
	stack
		.split('\n')
		.filter((line) => /^\s+at /.test(line) && line.includes(root) && !line.includes('node_modules'))
		.join('\n')
