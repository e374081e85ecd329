// How a failure is told at the end of a run; `.ci/run` looks for these lines.

/**
 * @param name of what failed.
 * @param text why, in any number of lines; blank ones are left out.
 * @returns a `not ok` line, as in TAP, with the text beneath.
 */
export function notOk(name, text) {
	const lines = text.split('\n').filter((line) => line.trim())
	return [`not ok ${name}`, ...lines.map((line) => `| ${line}`)].join('\n')
}
