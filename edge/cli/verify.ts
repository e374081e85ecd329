// spillway verify <place> [models…] --trust <key>

import type { Command } from 'commander'
import { trustKeys } from './options.ts'
import { bytes, date, printJson, printTable } from './print.ts'

interface Options {
	trust: string[]
	key?: string
	json?: true
}

export function register(program: Command): void {
	program
		.command('verify')
		.description('Check packed models: signature and expiry of each channel, digests of its manifest and of every chunk and file.')
		.argument('<place>', 'models folder, or the address at which models are served')
		.argument('[models...]', 'which models; needed for an address; default: all of the folder')
		.option('--trust <key>', 'trust key, as keygen prints it; may be given several times', trustKeys, [])
		.option('--key <file>', 'private key file whose public key is trusted')
		.option('--json', 'print the result as JSON')
		.action(verifyPlace)
}

async function verifyPlace(place: string, models: string[], options: Options, command: Command): Promise<void> {
	const trust = [...options.trust]
	if (options.key) trust.push((await (await import('../../models/tools/pack/key-file.ts')).readKeyFile(options.key)).x)
	if (!trust.length) command.error("error: give at least one key to trust, with '--trust <key>' or '--key <file>'")
	if (/^https?:/i.test(place) && !models.length) command.error('error: a web server does not tell which models it has: name them')
	const { verify } = await import('../../models/tools/pack/verify.ts')
	const verified = await verify(place, { trust, models })
	if (verified.some(({ problems }) => problems.length)) process.exitCode = 1
	if (options.json) return printJson(verified)
	for (const { model, channel, chunks, size, problems } of verified) {
		const rows: [string, string][] = problems.map((problem) => ['wrong', problem])
		if (channel) {
			rows.push(['manifest', channel.manifest])
			rows.push(['channel', `serial number ${channel.serial}, good until ${date(channel.expires * 1000)}`])
			if (channel.versions?.length) rows.push(['beside it', channel.versions.map(({ version }) => version).join(', ')])
			rows.push(['content', `${chunks} chunks verified, ${bytes(size)}`])
		}
		const verdict = problems.length ? `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}` : 'good'
		printTable(`${model}${channel ? ` ${channel.version}` : ''}: ${verdict}`, rows)
	}
}
