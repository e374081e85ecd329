// npm run test:full: what needs more than npm and a Chromium. What is missing here is skipped, but is an error under CI.

import { build } from '../demo/setup/build.mjs'
import { install } from '../demo/setup/install.mjs'
import { SetupError, say } from '../demo/setup/report.mjs'
import { findFirefox } from './setup/firefox.mjs'
import { main } from './setup/main.mjs'
import { findPython } from './setup/python.mjs'
import { findRuntime } from './setup/runtimes.mjs'
import { vitest } from './setup/vitest.mjs'
import { findWebkit } from './setup/webkit.mjs'

/** A Python with what a file of `test/python/` lists; default: that of most clients. */
const python = (variable, file) => ({
	name: 'Python 3 with venv',
	variable,
	get: () => findPython(file),
	hint: 'Debian, Ubuntu: apt-get install python3-venv.',
})

const needed = [
	{ name: 'Firefox', variable: 'TEST_FIREFOX', get: findFirefox, hint: 'Debian: apt-get install firefox-esr.' },
	{
		name: "WebKitGTK's WebDriver, or Xvfb,",
		variable: 'TEST_WEBKIT',
		get: findWebkit,
		hint: 'Debian, Ubuntu: apt-get install webkit2gtk-driver xvfb.',
	},
	python('TEST_PYTHON'),
	python('TEST_PYTHON_TFSERVING', 'tfserving.txt'),
	python('TEST_PYTHON_KSERVE', 'kserve.txt'),
	python('TEST_PYTHON_RAY', 'ray.txt'),
	python('TEST_PYTHON_TRITON', 'triton.txt'),
	python('TEST_PYTHON_LITELLM', 'litellm.txt'),
	{ name: 'Bun', variable: 'TEST_BUN', get: () => findRuntime('bun'), hint: 'https://bun.com/docs/installation' },
	{
		name: 'Deno',
		variable: 'TEST_DENO',
		get: () => findRuntime('deno'),
		hint: 'https://docs.deno.com/runtime/getting_started/installation',
	},
]

await main(async () => {
	await install()
	await build()
	const env = {}
	for (const one of needed) env[one.variable] = await present(one)
	return vitest({ config: 'test/full/vitest.config.ts', env, limit: 40 * 60_000 })
})

/** Where it is, or `undefined`, having said so. */
async function present({ name, get, hint }) {
	let why = `${name} is missing. ${hint}`
	try {
		const found = await get()
		if (found) return found
	} catch (error) {
		if (!(error instanceof SetupError)) throw error
		why = error.message
	}
	if (process.env.CI) throw new SetupError(why)
	say(`${why} Its tests are skipped.`)
	return undefined
}
