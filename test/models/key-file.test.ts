// Files that hold the signing key.

import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import { readKeyFile, writeNewKeyFile } from '../../models/tools/pack/key-file.ts'
import type { Any } from './pack-ring.ts'

const key = await generateSigningKey()
const scratch = await mkdtemp(join(tmpdir(), 'spillway-key-'))
afterAll(() => rm(scratch, { recursive: true }))

describe('key files', () => {
	it('hold a new key that only its owner may read, and are not overwritten', async () => {
		const file = join(scratch, 'new.jwk')
		const made = await writeNewKeyFile(file)
		expect(await readKeyFile(file)).toEqual(made)
		expect((await stat(file)).mode & 0o777).toBe(0o600)
		await expect(writeNewKeyFile(file)).rejects.toMatchObject({ code: 'malformed' })
		expect(await readKeyFile(file)).toEqual(made)
	})

	it('may be PEM', async () => {
		const file = join(scratch, 'key.pem')
		await writeFile(file, createPrivateKey({ key: { ...key }, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }))
		expect(await readKeyFile(file)).toEqual(key)
	})

	it.each([
		['no key', 'hello'],
		['half a secret', '{"kty":"OKP","crv":"Ed25519","d":"very-secret'],
		['a key of another kind', '{"kty":"EC","crv":"P-256","d":"very-secret"}'],
		[
			'a private key that is too short',
			'{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"very-secret"}',
		],
		['PEM that is none', '-----BEGIN PRIVATE KEY-----\nvery-secret\n-----END PRIVATE KEY-----\n'],
	])('are refused with %s, and no message holds the secret', async (_name, text) => {
		const file = join(scratch, 'bad.jwk')
		await writeFile(file, text)
		const error: Any = await readKeyFile(file).catch((reason) => reason)
		expect(error).toMatchObject({ code: 'malformed' })
		expect(JSON.stringify([error.message, error.cause, error.toWire()])).not.toContain('very-secret')
		await expect(readKeyFile(join(scratch, 'none'))).rejects.toMatchObject({ code: 'not-found' })
	})
})
