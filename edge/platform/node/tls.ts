// Certificates and private keys, from files or from the environment.

import { readFileSync } from 'node:fs'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import type { Environment } from '../../config/environment.ts'
import type { Pem, TlsConfig } from '../../config/fields.ts'
import { findSecret, secretOf } from '../../config/secrets.ts'

/** In PEM, as Node's TLS takes them. */
export interface TlsFiles {
	readonly ca?: string
	readonly cert?: string
	readonly key?: string
}

/**
 * Reads what the configuration names.
 * @param where in the configuration, for errors: `server.tls`.
 * @throws SpillwayError `malformed` when one cannot be read, or is no PEM.
 */
export function readTls(tls: TlsConfig, environment: Environment, where: string): TlsFiles {
	const given = Object.entries(tls).filter((entry): entry is [string, Pem] => entry[1] !== undefined)
	return Object.fromEntries(given.map(([name, pem]) => [name, readPem(pem, environment, `${where}.${name}`)]))
}

/** What is wrong with the certificates and keys that can be looked at here; those whose variable is not set cannot. */
export function faultsOfTls(tls: TlsConfig, environment: Environment, where: string): string[] {
	return Object.entries(tls).flatMap(([name, pem]: [string, Pem | undefined]) => {
		if (!pem || ('env' in pem && findSecret(pem, environment) === undefined)) return []
		try {
			readPem(pem, environment, `${where}.${name}`)
			return []
		} catch (error) {
			return messageOf(error)
		}
	})
}

function readPem(pem: Pem, environment: Environment, where: string): string {
	const text = 'env' in pem ? secretOf(pem, environment) : readFile(pem.file, where)
	if (text.includes('-----BEGIN ')) return text
	throw new SpillwayError('malformed', `${where}: ${'env' in pem ? pem.env : pem.file} holds no PEM (-----BEGIN …)`)
}

function readFile(file: string, where: string): string {
	try {
		return readFileSync(file, 'utf8')
	} catch (cause) {
		throw new SpillwayError('malformed', `${where}: cannot be read: ${messageOf(cause)}`, { cause })
	}
}
