// Which tabs share an engine: those with the same settings.

import { describe, expect, test } from 'vitest'
import type { EngineSettings } from '../../runtime/device/control.ts'
import { groupOf } from '../../runtime/tabs/group.ts'

describe('tabs are of one group', () => {
	const settings: EngineSettings = {
		protocol: 'build 1',
		models: ['https://shop.example.com/models/'],
		trust: { keys: ['a'] },
		quiet: true,
		tuning: { maxBatch: 4, workers: 2 },
		assets: { session: 's', wasm: 'w' },
	}

	test.each<[string, Partial<EngineSettings>]>([
		['in whatever order their options come', { tuning: { workers: 2, maxBatch: 4 } }],
		['when an option is left undefined', { tuning: { maxBatch: 4, workers: 2, threads: undefined } }],
		['when they have files for a GPU that is not asked for', { assets: { session: 's', wasm: 'w', gpu: { session: 'g', wasm: 'j' } } }],
	])('%s', async (_, more) => expect(await groupOf({ ...settings, ...more })).toBe(await groupOf(settings)))

	test.each<[string, Partial<EngineSettings>]>([
		['other messages', { protocol: 'build 2' }],
		['models from elsewhere', { models: ['https://cdn.example.com/models/'] }],
		['other keys', { trust: { keys: ['b'] } }],
		['a policy that allows more', { quiet: false }],
		['other files', { assets: { session: 's2', wasm: 'w' } }],
		['another tuning', { tuning: { maxBatch: 4 } }],
		['a tuning without end', { tuning: { ...settings.tuning, idle: Number.POSITIVE_INFINITY } }],
	])('but not with %s', async (_, more) => expect(await groupOf({ ...settings, ...more })).not.toBe(await groupOf(settings)))
})
