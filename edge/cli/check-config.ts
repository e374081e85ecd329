// spillway check-config [file]

import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { printJson } from './print.ts'

export function register(program: Command): void {
	program
		.command('check-config')
		.description("Check an edge's configuration, with the overrides of this environment, and explain mistakes.")
		.argument('[file]', 'default: that of SPILLWAY_CONFIG, else spillway.config.json, which need not be there')
		.option('--json', 'print the result as JSON')
		.action(check)
}

async function check(file: string | undefined, options: { json?: true }): Promise<void> {
	const [{ checkConfig }, { defaultConfigFile, readConfigFile }, { faultsOfTls }] = await Promise.all([
		import('../config/load.ts'),
		import('../config/file.ts'),
		import('../platform/node/tls.ts'),
	])
	const path = file ?? process.env.SPILLWAY_CONFIG
	const { config, errors, warnings: allowed } = checkConfig({ file: await readConfigFile(path), environment: process.env })
	const places = config
		? [{ name: 'server', tls: config.server.tls }, ...config.upstreams.map(({ name, tls }) => ({ name: `upstreams.${name}`, tls }))]
		: []
	// Where it runs they may be there.
	const warnings = [...allowed, ...places.flatMap(({ name, tls }) => (tls ? faultsOfTls(tls, process.env, `${name}.tls`) : []))]
	if (errors.length) process.exitCode = 1
	if (options.json) return printJson({ errors, warnings })
	const lines = [...errors.map((line) => `error    ${line}`), ...warnings.map((line) => `warning  ${line}`)]
	const verdict = errors.length ? 'has mistakes' : warnings.length ? 'works, but look at the warnings' : 'is good'
	// Who is in another folder than they think should see it.
	const name = path || (existsSync(defaultConfigFile) ? defaultConfigFile : `no ${defaultConfigFile} here, the defaults`)
	process.stdout.write([`${name}: ${verdict}`, ...lines.map((line) => `  ${line}`), ''].join('\n'))
}
