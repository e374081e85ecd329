// What a clone keeps between starts, in `.spillway/`, readable by its owner alone: the signing key and the demo key.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './command.mjs'

function folder() {
	const path = join(root, '.spillway')
	mkdirSync(path, { recursive: true, mode: 0o700 })
	return path
}

/** Where the private key stands that signs this clone's channels. */
export const signingKeyFile = () => join(folder(), 'signing-key.json')

/** The publishable key of this clone's demo; made at the first call. */
export function demoKey() {
	const file = join(folder(), 'demo-key')
	try {
		return readFileSync(file, 'utf8').trim()
	} catch (error) {
		if (error.code !== 'ENOENT') throw error
	}
	const key = `pk_${randomBytes(32).toString('base64url')}`
	writeFileSync(file, `${key}\n`, { flag: 'wx', mode: 0o600 })
	return key
}
