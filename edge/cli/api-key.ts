// spillway api-key <id>

import { type Command, InvalidArgumentError } from 'commander'
import { printJson } from './print.ts'

interface Options {
	origin?: string[]
	metrics?: true
	perMinute?: number
}

export function register(program: Command): void {
	program
		.command('api-key')
		.description(
			'Make an API key: prints the key, which is shown only once, and the entry for "keys" in the configuration, which holds its hash.',
		)
		.argument('<id>', 'name of the key in logs and quotas')
		.option('--origin <origins...>', 'makes it publishable, for pages of these origins')
		.option('--metrics', 'good for /metrics, and for nothing else')
		.option('--per-minute <number>', 'quota of requests', quota)
		.action(makeKey)
}

async function makeKey(id: string, { origin, metrics, perMinute }: Options): Promise<void> {
	const [{ newKey }, { checkConfig }] = await Promise.all([import('../auth/key.ts'), import('../config/load.ts')])
	const kind = origin ? 'publishable' : 'secret'
	const { key, hash } = await newKey(kind)
	const entry = {
		id,
		hash,
		kind,
		...(origin && { origins: origin }),
		...(metrics && { scopes: ['metrics'] }),
		...(perMinute !== undefined && { requestsPerMinute: perMinute }),
	}
	const { errors } = checkConfig({ file: { keys: [entry] } })
	if (errors.length > 0) throw new Error(errors.join('\n  '))
	printJson({ key, entry })
}

function quota(text: string): number {
	if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number, 1 or more.')
	return Number(text)
}
