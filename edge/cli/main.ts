#!/usr/bin/env node
// spillway: the command line. Exit codes: 0 done, 1 failed, 2 wrong usage.

import { explain } from './explain.ts'
import { version } from './version.ts'

try {
	const { Command, CommanderError } = await import('commander')
	const program = new Command('spillway')
		.description('Packs, verifies and runs models, and serves them at the edge.')
		.version(version())
		.showHelpAfterError('(add --help for all options)')
		.exitOverride()
		.configureHelp({ showGlobalOptions: false })
	for (const register of await commands()) register(program)
	try {
		await program.parseAsync()
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error
		process.exitCode = error.exitCode === 0 ? 0 : 2
	}
} catch (error) {
	process.stderr.write(`spillway: ${explain(error)}\n`)
	process.exitCode = 1
}

async function commands() {
	return [(await import('./pack.ts')).register, (await import('./verify.ts')).register, (await import('./keygen.ts')).register]
}
