// The edge's executor in a page: its code is a file of its own, which may be slow to come, or not come at all.

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { laterEdge } from '../../runtime/page/edge.ts'
import { lazily } from '../../runtime/page/lazy.ts'
import { context, embedCall } from './scripted.ts'

const alive = new AbortController().signal

let folder: string
const fileAt = (name: string) => pathToFileURL(join(folder, name)).href

/** What the built file has: a class of its own, and a function that makes the executor. */
const edgeFile = (error: string) => `
import { SpillwayError } from '${new URL('../../runtime/core/error.ts', import.meta.url).href}?its-own-copy'
const ran = (address, key) => ({ executor: 'edge', address, key })
export const edgeOfPage = (address, key) => ({
	name: 'edge',
	accepts: ['embed'],
	estimate: () => ({ can: 'now', queue: 0, run: 7 }),
	infer: async (call, context) => {
		if (${JSON.stringify(error)}) throw new SpillwayError(${JSON.stringify(error)}, 'its own')
		return { output: context.remaining, ran: ran(address, key) }
	},
	dispose: async () => {},
})`

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'spillway-later-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the file', () => {
	test('comes once, however often it is wanted', async () => {
		await writeFile(join(folder, 'once.mjs'), 'globalThis.timesLoaded = (globalThis.timesLoaded ?? 0) + 1\nexport const value = 1')
		const load = lazily<{ value: number }>(fileAt('once.mjs'))
		await Promise.all([load(), load()])
		expect((await load()).value).toBe(1)
		expect(globalThis).toMatchObject({ timesLoaded: 1 })
	})

	test('that does not come is given up, and tried again at the next call; at once when nobody wants it any more', async () => {
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
		try {
			const address = fileAt('hanging.mjs')
			await writeFile(join(folder, 'hanging.mjs'), 'await globalThis.gate\nexport const value = 3')
			Object.assign(globalThis, { gate: new Promise(() => {}) })
			const disposal = new AbortController()
			const load = lazily<{ value: number }>(address, disposal.signal)
			const first = expect(load()).rejects.toMatchObject({ code: 'network', message: expect.stringContaining('hanging.mjs') })
			await vi.advanceTimersByTimeAsync(30_000)
			await first
			const second = expect(load()).rejects.toMatchObject({ code: 'disposed' })
			await vi.advanceTimersByTimeAsync(0)
			disposal.abort(new SpillwayError('disposed', 'gone'))
			await second
			expect(vi.getTimerCount()).toBe(0)
			Object.assign(globalThis, { gate: undefined })
			expect((await lazily<{ value: number }>(`${address}?anew`, alive)()).value).toBe(3)
		} finally {
			vi.useRealTimers()
		}
	})

	test('that cannot be had is a network error, and tried again at the next call', async () => {
		const load = lazily<{ value: number }>(fileAt('late.mjs'))
		await expect(load()).rejects.toMatchObject({ name: 'SpillwayError', code: 'network', message: expect.stringContaining('late.mjs') })
		await writeFile(join(folder, 'late.mjs'), 'export const value = 2')
		expect((await load()).value).toBe(2)
	})
})

describe('the executor', () => {
	test('is expected to answer as any edge that has not answered yet; then it speaks for itself', async () => {
		await writeFile(join(folder, 'edge.mjs'), edgeFile(''))
		const edge = laterEdge(fileAt('edge.mjs'), 'https://edge.example/', 'pk_1', false, alive)
		expect(edge).toMatchObject({ name: 'edge', accepts: ['tensors', 'embed', 'generate'] })
		expect(edge.estimate(embedCall)).toEqual({ can: 'now', queue: 0, run: 500 })
		const { ran, output } = await edge.infer(embedCall, context())
		expect(ran).toEqual({ executor: 'edge', address: 'https://edge.example/', key: 'pk_1' })
		expect(output).toBeLessThanOrEqual(1000)
		expect(edge.estimate(embedCall).run).toBe(7)
	})

	test('is not loaded before it is wanted, or at once', async () => {
		await writeFile(join(folder, 'eager.mjs'), `globalThis.eager = true\n${edgeFile('')}`)
		laterEdge(fileAt('eager.mjs'), 'https://edge.example/', undefined, false, alive)
		await new Promise((resolve) => setTimeout(resolve, 20))
		expect(globalThis).not.toHaveProperty('eager')
		laterEdge(fileAt('eager.mjs'), 'https://edge.example/', undefined, true, alive)
		await expect.poll(() => globalThis).toHaveProperty('eager')
	})

	test('its errors are SpillwayErrors here, too', async () => {
		await writeFile(join(folder, 'failing.mjs'), edgeFile('rate-limited'))
		const edge = laterEdge(fileAt('failing.mjs'), 'https://edge.example/', undefined, true, alive)
		const error = await edge.infer(embedCall, context()).catch((thrown) => thrown)
		expect(error).toMatchObject({ code: 'rate-limited', message: 'its own' })
		expect(error.constructor).not.toBe(SpillwayError)
		expect(error).toBeInstanceOf(SpillwayError)
		expect(SpillwayError.from(error)).toBe(error)
	})

	test('a file that is missing is one failed call, and no unhandled rejection', async () => {
		const edge = laterEdge(fileAt('absent.mjs'), 'https://edge.example/', undefined, true, alive)
		await expect(edge.infer(embedCall, context())).rejects.toMatchObject({ code: 'network' })
		await writeFile(join(folder, 'absent.tmp'), edgeFile(''))
		await rename(join(folder, 'absent.tmp'), join(folder, 'absent.mjs'))
		expect((await edge.infer(embedCall, context())).ran.executor).toBe('edge')
	})

	test('a file that does not come is waited for no longer than there is time', async () => {
		await writeFile(join(folder, 'never.mjs'), 'await new Promise(() => {})')
		const edge = laterEdge(fileAt('never.mjs'), 'https://edge.example/', undefined, true, alive)
		await expect(edge.infer(embedCall, context({ remaining: 30 }))).rejects.toMatchObject({ code: 'deadline-exceeded' })
		await expect(edge.infer(embedCall, context({ signal: AbortSignal.abort('no') }))).rejects.toMatchObject({ code: 'aborted' })
		await edge.dispose()
	})

	test('disposed: nothing is made of a file that comes after that', async () => {
		const disposal = new AbortController()
		await writeFile(join(folder, 'slow.mjs'), edgeFile(''))
		const edge = laterEdge(fileAt('slow.mjs'), 'https://edge.example/', undefined, true, disposal.signal)
		disposal.abort(new SpillwayError('disposed', 'gone'))
		await edge.dispose()
		await expect(edge.infer(embedCall, context())).rejects.toMatchObject({ code: 'disposed' })
	})
})

test('what is no error of ours is none, whatever it is', () => {
	for (const other of [undefined, null, 7, 'SpillwayError', {}, new Error('no'), { name: 'SpillwayError', code: 'network' }])
		expect(other instanceof SpillwayError).toBe(false)
})
