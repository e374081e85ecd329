// Puts what the Worker serves into dist/worker, the folder of its ASSETS binding. The [build] command of wrangler.toml; plain Node 20.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const dist = join(root, 'dist')
const out = process.env.SPILLWAY_ASSETS_FOLDER || join(dist, 'worker')
const models = process.env.SPILLWAY_MODELS_FOLDER || join(dist, 'packed')
const configFile = process.env.SPILLWAY_CONFIG || 'spillway.config.json'

if (!existsSync(join(dist, 'demo')) || !existsSync(models)) {
	process.stderr.write('Nothing is built yet: npm run build\n')
	process.exit(1)
}
if (process.env.SPILLWAY_CONFIG && !existsSync(configFile)) {
	process.stderr.write(`There is no ${configFile}, which SPILLWAY_CONFIG names\n`)
	process.exit(1)
}

rmSync(out, { recursive: true, force: true })
mkdirSync(join(out, 'build'), { recursive: true })
for (const name of ['demo', 'script', 'docs'])
	if (existsSync(join(dist, name))) cpSync(join(dist, name), join(out, name), { recursive: true })
// Larger files are not taken by Cloudflare; the compressed form will do.
const largest = 25 * 1024 * 1024
for (const name of readdirSync(join(out, 'script')))
	if (statSync(join(out, 'script', name)).size > largest && existsSync(join(out, 'script', `${name}.br`))) rmSync(join(out, 'script', name))
// Beside packed models there may be other things.
for (const name of readdirSync(models))
	if (['chunks', 'manifests'].includes(name) || existsSync(join(models, name, 'channel.jws')))
		cpSync(join(models, name), join(out, 'models', name), { recursive: true })

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const config = existsSync(configFile) ? JSON.parse(readFileSync(configFile, 'utf8')) : {}
writeFileSync(join(out, 'build', 'build.json'), JSON.stringify({ version, config }))
