// What set-up tells a person: lines on standard error, so that standard output stays for results.

const started = Date.now()

/** One line, with the seconds since the start. */
export const say = (text) => process.stderr.write(`[${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s] ${text}\n`)

/** An error that is told by its message alone: what is wrong, and what to do. */
export class SetupError extends Error {}

/** Ends the process with a message for a person. */
export function fail(error) {
	process.stderr.write(`\n${error instanceof SetupError ? error.message : (error?.stack ?? error)}\n`)
	process.exit(1)
}
