// spillway publish <folder> [models…] --to <place>

import { type Command, InvalidArgumentError } from 'commander'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { duration } from '../options.ts'
import { bytes, date, printJson, printTable } from '../print.ts'
import type { Progress, Published } from './publish.ts'
import type { Target } from './target.ts'

interface Options {
	to: string
	key?: string
	expiresIn?: number
	endpoint?: string
	region?: string
	json?: true
}

export function register(program: Command): void {
	program
		.command('publish')
		.description("Put packed models into an edge's catalogue: only what is missing, verified, the channel last.")
		.argument('<folder>', 'packed models, as pack writes them; or the address at which they are served')
		.argument('[models...]', 'which models; needed for an address; default: all of the folder')
		.requiredOption('--to <place>', 'a folder, or s3://bucket/prefix for R2 and whatever else speaks S3', notEmpty)
		.option('--key <file>', 'Ed25519 private key: the channel is signed anew, with the next serial number of the place')
		.option('--expires-in <time>', 'how long a channel signed here is good for: 45s, 30m, 12h, 90d; default: 90d', duration)
		.option(
			'--endpoint <url>',
			"the service's address, e.g. https://<account>.r2.cloudflarestorage.com; default: AWS_ENDPOINT_URL_S3, else AWS",
		)
		.option('--region <name>', "the bucket's; default: AWS_REGION, else us-east-1, which R2 takes")
		.option('--json', 'print the result as JSON')
		.addHelpText('after', '\nBuckets: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, with temporary credentials, AWS_SESSION_TOKEN.')
		.action(publishFolder)
}

async function publishFolder(folder: string, models: string[], options: Options, command: Command): Promise<void> {
	if (options.expiresIn !== undefined && options.key === undefined)
		command.error("error: '--expires-in <time>' is for a channel that is signed here: give '--key <file>'")
	if (/^https?:/i.test(folder) && !models.length) command.error('error: a web server does not tell which models it has: name them')
	const [{ publish }, key, target] = await Promise.all([import('./publish.ts'), keyOf(options.key), targetOf(options)])
	const onProgress = process.stderr.isTTY && !options.json ? showProgress : undefined
	const published = await publish(folder, target, { models, key, expiresIn: options.expiresIn, ...(onProgress && { onProgress }) })
	if (options.json) return printJson(published.map((one) => ({ ...one, to: target.where })))
	for (const one of published) print(one, target)
}

const keyOf = async (file: string | undefined) =>
	file === undefined ? undefined : (await import('../../../models/tools/pack/key-file.ts')).readKeyFile(file)

async function targetOf({ to, endpoint, region }: Options): Promise<Target> {
	const [, name, prefix] = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(to) ?? []
	if (name === undefined) {
		if (/^[a-z][a-z0-9+.-]+:/i.test(to))
			throw new SpillwayError('malformed', `${to} is no place to publish to: give a folder, or s3://bucket/prefix with --endpoint`)
		return (await import('./folder.ts')).folderTarget(to)
	}
	const [{ openBucket }, { bucketTarget }] = await Promise.all([import('../../catalog/bucket/bucket.ts'), import('./bucket.ts')])
	const { env } = process
	return bucketTarget(
		openBucket({
			name,
			prefix,
			endpoint: endpoint ?? (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined),
			region: region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined),
			accessKeyId: needed('AWS_ACCESS_KEY_ID'),
			secretAccessKey: needed('AWS_SECRET_ACCESS_KEY'),
			sessionToken: env.AWS_SESSION_TOKEN,
		}),
	)
}

function needed(name: string): string {
	const value = process.env[name]
	if (!value) throw new SpillwayError('malformed', `${name} is not set in this environment; a bucket needs it`)
	return value
}

function showProgress({ model, done, all, sent }: Progress): void {
	process.stderr.write(`\r${model}: ${done} of ${all} pieces there, ${bytes(sent)} sent${done === all ? '\n' : ''}`)
}

function print(
	{ model, version, digest, serial, expires, pieces, missing, sent, changed, exclusive, forgotten }: Published,
	target: Target,
): void {
	const rows: [string, string][] = [
		['to', target.where],
		['manifest', digest],
		['channel', `serial number ${serial}, good until ${date(expires)}${changed ? '' : ', as it was'}`],
		['content', `${pieces} pieces verified, ${missing} of them new, ${bytes(sent)} sent`],
	]
	if (forgotten.length) rows.push(['note', `the channel names these no more: ${forgotten.join(', ')}; with --key they stay`])
	if (!exclusive) rows.push(['note', 'this service does not hold conditions: never publish from two places at once'])
	printTable(`published ${model} ${version}`, rows)
}

function notEmpty(text: string): string {
	if (text === '') throw new InvalidArgumentError('Give a folder, or s3://bucket/prefix.')
	return text
}
