// Values of options, checked as they are read.

import { InvalidArgumentError } from 'commander'
import { isTrustKey } from '../../models/format/keys.ts'

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration in milliseconds. @example duration('90d') === 7_776_000_000 */
export function duration(text: string): number {
	const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
	const milliseconds = Number(count) * (units[unit ?? ''] ?? Number.NaN)
	if (!(milliseconds > 0)) throw new InvalidArgumentError('Give a number and a unit: 45s, 30m, 12h, 90d.')
	return milliseconds
}

/** A whole number from 0 on. */
export function count(text: string): number {
	const value = Number(text)
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('Give a whole number, 0 or more.')
	return value
}

/** A port; 0 lets the system choose. */
export function port(text: string): number {
	const value = count(text)
	if (value > 65_535) throw new InvalidArgumentError('Give a port, 0 to 65535.')
	return value
}

/** Collects trust keys over repeated options. */
export function trustKeys(text: string, before: string[]): string[] {
	if (!isTrustKey(text)) throw new InvalidArgumentError('A trust key is 43 characters of base64url, as keygen prints it.')
	return [...before, text]
}
