// A Chrome or Chromium for the tests: one that is there, else Playwright's, else the distribution's.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { node, root, run } from '../../demo/setup/command.mjs'
import { SetupError, say } from '../../demo/setup/report.mjs'
import { find, installPackages, mayInstall } from './program.mjs'

const names = [
	'chromium',
	'google-chrome-stable',
	'google-chrome',
	'chromium-browser',
	'chrome',
	'/opt/google/chrome/chrome',
	'/snap/bin/chromium',
	'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
	'/Applications/Chromium.app/Contents/MacOS/Chromium',
]

const playwright = [node, join(root, 'node_modules', 'playwright-core', 'cli.js')]

/** Where Playwright keeps the browsers of all its versions, and where a Chromium is inside one. */
const playwrightFolders = [
	process.env.PLAYWRIGHT_BROWSERS_PATH ?? '',
	join(homedir(), '.cache', 'ms-playwright'),
	join(homedir(), 'Library', 'Caches', 'ms-playwright'),
]
const playwrightFiles = [
	'chrome-linux64/chrome',
	'chrome-linux/chrome',
	'chrome-mac/Chromium.app/Contents/MacOS/Chromium',
	'chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
	'chrome-mac-x64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
]

/**
 * Gives the path of a browser that starts, installing one where that is possible.
 * @throws SetupError that says what to do.
 */
export async function findChromium() {
	const told = ['SPILLWAY_CHROMIUM', 'CHROME_PATH'].find((name) => process.env[name])
	if (told) {
		if (starts(process.env[told])) return process.env[told]
		throw new SetupError(`${told} is ${process.env[told]}, which does not start. Correct it, or unset it to have a browser looked for.`)
	}
	return present() ?? (await installed())
}

const present = () => [...find(names), ...playwrights()].find(starts)

function playwrights() {
	return playwrightFolders.filter(existsSync).flatMap((folder) =>
		readdirSync(folder)
			.filter((name) => name.startsWith('chromium-'))
			.flatMap((name) => playwrightFiles.map((file) => join(folder, name, file)))
			.filter(existsSync),
	)
}

/** A file may be there and yet lack libraries, or be a stub that asks for a snap. */
const starts = (file) => spawnSync(file, ['--version'], { timeout: 30_000 }).status === 0

async function installed() {
	say('No Chrome or Chromium found; asking Playwright for one …')
	try {
		await run([...playwright, 'install', '--no-shell', 'chromium'])
		if (!present() && mayInstall()) await run([...playwright, 'install-deps', 'chromium'])
	} catch (error) {
		say(error.message)
	}
	if (!present() && mayInstall()) await installPackages('chromium')
	const path = present()
	if (path) return path
	throw new SetupError(
		'The tests need a Chrome or Chromium. Install one (Debian: sudo apt-get install chromium), ' +
			'or set SPILLWAY_CHROMIUM to the path of one that is there.',
	)
}
