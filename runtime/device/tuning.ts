// What an application may fix of the engine, checked by the page, and where it arrives: other programs may start an engine.

import { SpillwayError } from '../core/error.ts'
import type { Download } from '../store/leave.ts'
import type { Tuning } from './control.ts'

type Check = readonly [fits: (value: never) => boolean, is: string]

const count: Check = [(value: number) => Number.isInteger(value) && value > 0, 'a whole number above 0']
const downloads: readonly Download[] = ['auto', 'ask', 'wifi']
const bytes: Check = [(value: number) => Number.isFinite(value) && value > 0, 'a number of bytes']
const providers = ['wasm', 'webgpu', 'webnn']

const checks: Record<keyof Tuning, Check> = {
	maxBatch: count,
	maxWait: [(value: number) => Number.isFinite(value) && value >= 0, 'milliseconds'],
	threads: count,
	workers: count,
	memory: bytes,
	storage: bytes,
	idle: [(value: number) => value > 0, 'milliseconds, or Infinity'],
	download: [(value: Download) => downloads.includes(value), downloads.join(', ')],
	providers: [
		(value: unknown) => Array.isArray(value) && value.length > 0 && value.every((one) => providers.includes(one)),
		`a list of ${providers.join(', ')}`,
	],
}

/**
 * @param where the fault is, for the message.
 * @throws SpillwayError `malformed`, saying what to give.
 */
export function checkTuning(tuning: Tuning, where = 'tuning'): Readonly<Tuning> {
	for (const [name, value] of Object.entries(tuning)) {
		const check = checks[name as keyof Tuning] as Check | undefined
		if (!check) throw new SpillwayError('malformed', `${where}: unknown option "${name}"`)
		const [fits, is] = check
		if (value !== undefined && !fits(value as never)) throw new SpillwayError('malformed', `${where}: ${name} must be ${is}`)
	}
	return tuning
}
