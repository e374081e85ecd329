// spillway keygen <file>

import type { Command } from 'commander'
import { printJson, printTable } from './print.ts'

export function register(program: Command): void {
	program
		.command('keygen')
		.description('Make a signing key: the private part goes into a file, the public part (the trust key for pages) is printed.')
		.argument('<file>', 'where to write the private key, as a JSON Web Key; must not be there yet')
		.option('--json', 'print the result as JSON')
		.action(makeKey)
}

async function makeKey(file: string, options: { json?: true }): Promise<void> {
	const [{ writeNewKeyFile }, { kidOf }] = await Promise.all([
		import('../../models/tools/pack/key-file.ts'),
		import('../../models/format/keys.ts'),
	])
	const { x } = await writeNewKeyFile(file)
	const kid = await kidOf(x)
	if (options.json) return printJson({ trust: x, kid, file })
	printTable(`made a signing key; ${file} is its private part: keep it secret`, [
		['trust key', x],
		['kid', kid],
	])
}
