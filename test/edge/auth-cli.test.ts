// `spillway api-key`: what it prints works as it stands.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { findKey, shownKey } from '../../edge/auth/find.ts'
import { loadConfig } from '../../edge/config/load.ts'

const main = fileURLToPath(new URL('../../edge/cli/main.ts', import.meta.url))
const apiKey = (...args: string[]) => promisify(execFile)(process.execPath, [main, 'api-key', ...args])

test('the entry goes into the configuration, the key opens it', async () => {
	const { stdout } = await apiKey('web', '--origin', 'https://a.example', 'https://b.example', '--per-minute', '60')
	const { key, entry } = JSON.parse(stdout)
	expect(key).toMatch(/^pk_/)
	expect(JSON.stringify(entry)).not.toContain(key)
	const { keys } = loadConfig({ file: { keys: [entry] } })
	const request = new Request('http://localhost/', { headers: { authorization: `Bearer ${key}` } })
	expect(await findKey(shownKey(request), keys)).toMatchObject({
		id: 'web',
		kind: 'publishable',
		origins: ['https://a.example', 'https://b.example'],
		requestsPerMinute: 60,
	})
})

test('what the configuration would refuse is refused at once', async () => {
	await expect(apiKey('web', '--origin', 'https://a.example/path')).rejects.toMatchObject({ stderr: expect.stringContaining('origins[0]') })
	await expect(apiKey('Not a name')).rejects.toMatchObject({ stderr: expect.stringContaining('id') })
})
