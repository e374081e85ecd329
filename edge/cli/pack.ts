// spillway pack <folder> --out <folder> --key <file>

import type { Command } from 'commander'
import { count, duration } from './options.ts'
import { bytes, date, printJson, printTable } from './print.ts'

interface Options {
	out: string
	key: string
	serial?: number
	expiresIn?: number
	json?: true
}

export function register(program: Command): void {
	program
		.command('pack')
		.description('Pack a model folder (model.json and the files it names) into what a static host or an edge serves.')
		.argument('<folder>', 'holds model.json')
		.requiredOption('--out <folder>', 'models folder to write to; other models and older versions in it stay')
		.requiredOption('--key <file>', 'Ed25519 private key that signs the channel (JSON Web Key, or PEM)')
		.option(
			'--serial <number>',
			"channel's serial number; default: that of the channel already there, one more if the manifest changed",
			count,
		)
		.option('--expires-in <time>', 'how long the channel is good for: 45s, 30m, 12h, 90d; default: 90d', duration)
		.option('--json', 'print the result as JSON')
		.action(packFolder)
}

async function packFolder(folder: string, options: Options): Promise<void> {
	const [{ pack }, { readKeyFile }] = await Promise.all([
		import('../../models/tools/pack/pack.ts'),
		import('../../models/tools/pack/key-file.ts'),
	])
	const key = await readKeyFile(options.key)
	const packed = await pack(folder, options.out, { key, serial: options.serial, expiresIn: options.expiresIn })
	if (options.json) return printJson({ ...packed, trust: key.x })
	printTable(`packed ${packed.model} ${packed.version}`, [
		['manifest', packed.digest],
		['channel', `serial number ${packed.serial}, good until ${date(packed.expires)}`],
		['beside it', packed.versions.join(', ') || 'no other version'],
		[
			'content',
			`${packed.files} files in ${packed.chunks} chunks, ${bytes(packed.size)} (${bytes(packed.sent)} as brotli), ${bytes(packed.written)} new`,
		],
		['trust key', key.x],
	])
}
