// The Worker with its models in R2, under `wrangler dev`, whose local R2 also speaks S3 and checks signatures, payloads and conditions.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bucket, openBucket } from '../../../edge/catalog/bucket/bucket.ts'
import type { EdgeConfigInput } from '../../../edge/config/schema.ts'
import { account } from './bucket.ts'
import { startChild } from './child.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

export interface RunningR2 {
	/** The Worker's. */
	readonly url: string
	/** The bucket that the Worker is bound to, over S3. It is empty at first. */
	bucket(prefix?: string): Bucket
	close(): Promise<void>
}

export interface R2Options {
	config: EdgeConfigInput
	/** Variables and secrets. */
	secrets?: Record<string, string>
}

/** Starts it; it listens, and has no model yet. */
export async function startR2({ config, secrets = {} }: R2Options): Promise<RunningR2> {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-r2-'))
	const remove = () => rm(folder, { recursive: true, force: true })
	const assets = join(folder, 'assets')
	try {
		await mkdir(join(assets, 'build'), { recursive: true })
		await writeFile(join(assets, 'build/build.json'), JSON.stringify({ version: '0.0.0', config }))
		await writeFile(join(folder, 'wrangler.toml'), await wranglerToml(assets))
		await writeFile(
			join(folder, '.dev.vars'),
			Object.entries(secrets)
				.map(([name, value]) => `${name}='${value}'\n`)
				.join(''),
		)
		const wrangler = await startChild({
			command: process.execPath,
			args: [
				join(root, 'node_modules/wrangler/bin/wrangler.js'),
				'dev',
				`--config=${folder}/wrangler.toml`,
				'--ip=127.0.0.1',
				'--port=0',
				`--persist-to=${folder}/state`,
			],
			cwd: folder,
			env: { WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(folder, 'log'), CI: '1' },
			readyFd: 1,
			ready: (line) => /Ready on (http:\S+)/.exec(line)?.[1],
			patience: 60_000,
		})
		return {
			url: wrangler.ready,
			bucket: (prefix) => openBucket({ ...account, endpoint: `${wrangler.ready}/cdn-cgi/local/r2/s3`, name: 'spillway-models', prefix }),
			close: () => wrangler.stop().then(remove),
		}
	} catch (error) {
		await remove()
		throw error
	}
}

/** The repository's wrangler.toml, with the lines for R2 taken in, and without its build command: the paths are those of another folder. */
async function wranglerToml(assets: string): Promise<string> {
	const text = (await readFile(join(root, 'wrangler.toml'), 'utf8'))
		.replace(/^# (\[\[r2_buckets\]\]|binding = "CATALOG"|bucket_name = .*)$/gm, '$1')
		.replace(/^main = "(.*)"$/m, (_, main) => `main = ${JSON.stringify(join(root, main))}`)
		.replace(/^directory = .*$/m, `directory = ${JSON.stringify(assets)}`)
		.replace(/^\[build\]\n(?:.+\n)+/m, '')
	const credentials = `accessKeyId = ${JSON.stringify(account.accessKeyId)}, secretAccessKey = ${JSON.stringify(account.secretAccessKey)}`
	const local = `local_dev = { experimental_s3_credentials = { ${credentials} } }`
	return text.replace(/^bucket_name = .*$/m, `$&\n${local}`)
}
