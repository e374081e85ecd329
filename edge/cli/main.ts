#!/usr/bin/env node
// spillway: the command line. Exit codes: 0 done, 1 failed, 2 wrong usage.

import { explain } from './explain.ts'
import { version } from './package.ts'

// Whoever reads the output may have seen enough (`| head -1`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
	if (error.code !== 'EPIPE') throw error
})

try {
	// Dynamic, so that a package which is not installed is named by `explain`.
	const { Command, CommanderError } = await import('commander')
	const commands = await Promise.all([
		import('./embed.ts'),
		import('./serve.ts'),
		import('./check-config.ts'),
		import('./pack.ts'),
		import('./publish/command.ts'),
		import('./verify.ts'),
		import('./keygen.ts'),
		import('./api-key.ts'),
	])
	const program = new Command('spillway')
		.description('Runs models, serves them at the edge, packs and verifies them.')
		.version(version)
		.showHelpAfterError('(add --help for all options)')
		.exitOverride()
	for (const { register } of commands) register(program)
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
