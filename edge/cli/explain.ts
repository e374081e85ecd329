// An error for the person at the terminal: what happened, why, and what to do.

import { messageOf, SpillwayError } from '../../runtime/core/error.ts'

/**
 * One or more lines without stack.
 *
 * @example explain(new SpillwayError('malformed', 'model.json: version: is missing')) // 'model.json: version: is missing [malformed]'
 */
export function explain(error: unknown): string {
	const missing = missingPackage(error)
	if (missing) return `this command needs the package ${missing}, which is not installed: npm install ${missing}`
	const lines = [messageOf(error) + (error instanceof SpillwayError ? ` [${error.code}]` : '')]
	for (let cause = causeOf(error); cause !== undefined; cause = causeOf(cause)) {
		const said = messageOf(cause)
		// Most messages hold their cause's already.
		if (said && !lines.some((line) => line.includes(said))) lines.push(`because: ${said}`)
	}
	return lines.join('\n  ')
}

/** What only some users need is an optional peer dependency; Node's own message says only where it looked. */
function missingPackage(error: unknown): string | undefined {
	const { code, message } = (error ?? {}) as { code?: string; message?: string }
	return code === 'ERR_MODULE_NOT_FOUND' ? /^Cannot find package '([^']+)'/.exec(message ?? '')?.[1] : undefined
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined)
