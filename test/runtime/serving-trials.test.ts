// When trials run: in the background, one at a time, and only so long.

import { expect, test, vi } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { Stillness } from '../../runtime/device/serving/stillness.ts'
import { scene, threaded, trialOf, two, webgpu } from './serving-scene.ts'

test('a call breaks a trial off at once, and it is begun again when all is still', async () => {
	const stillness = new Stillness()
	const { run, starts, running } = scene({ speeds: { 'wasm/1': 8 }, kinds: [two], stillness })
	const trials = run()
	while (starts.length < 2) await vi.advanceTimersByTimeAsync(1)
	const leave = stillness.enter()
	expect(running.size).toBe(0)
	await vi.advanceTimersByTimeAsync(50)
	expect(starts).toHaveLength(2)
	leave()
	expect(trialOf(await trials, two)).toMatchObject({ golden: 'passed', refused: null })
	expect(starts).toHaveLength(4)
})

test('calls that never end: no trial begins', async () => {
	const stillness = new Stillness()
	stillness.enter()
	const { run, starts, life } = scene({ stillness })
	const trials = run()
	trials.catch(() => {})
	await vi.advanceTimersByTimeAsync(50)
	expect(starts).toEqual([])
	life.abort(new SpillwayError('disposed', 'gone'))
	await expect(trials).rejects.toMatchObject({ code: 'disposed' })
})

test('models take turns', async () => {
	const stillness = new Stillness()
	const one = scene({ kinds: [two], stillness })
	const other = scene({ kinds: [two], stillness, record: { digest: 'e' } })
	let overlaps = 0
	const watch = setInterval(() => {
		if (one.running.size > 0 && other.running.size > 0) overlaps++
	}, 1)
	await Promise.all([one.run(), other.run()])
	clearInterval(watch)
	expect(overlaps).toBe(0)
	expect([one.starts.length, other.starts.length]).toEqual([2, 2])
})

test('a worker that never answers: its trial ends in time, and the next kind has its turn', async () => {
	const { run, running } = scene({
		speeds: { 'wasm/2': Number.POSITIVE_INFINITY },
		kinds: [threaded, two],
		more: { limits: { pause: 5, trial: 1_500, all: 20_000, again: 5 } },
	})
	const trials = await run()
	expect(trialOf(trials, threaded).refused).toMatch(/was not measured within 2 s/)
	expect(trialOf(trials, two).gain).toBeGreaterThan(1)
	expect(running.size).toBe(0)
})

test('when the time for trials is used up, the rest is left for the next time', async () => {
	const { run, starts } = scene({ kinds: [two, threaded, webgpu], more: { limits: { pause: 5, trial: 5_000, all: 20, again: 5 } } })
	const trials = await run()
	expect(trialOf(trials, two).gain).toBeGreaterThan(1)
	expect(trialOf(trials, webgpu).refused).toMatch(/time for trials was used up/)
	expect(starts).not.toContain('webgpu/1')
	const next = scene({ kinds: [two, webgpu] })
	expect(trialOf(await next.run(), webgpu).gain).toBeGreaterThan(0)
})

test('what cannot be fetched does not hold up the others', async () => {
	const { run, starts } = scene({
		more: {
			obtain: async ({ provider }) => {
				if (provider === 'webgpu') throw new SpillwayError('network', 'gpu.wasm cannot be reached')
			},
		},
	})
	const trials = await run()
	expect(trialOf(trials, webgpu).refused).toBe('gpu.wasm cannot be reached')
	expect(trialOf(trials, two).refused).toBeNull()
	expect(starts).not.toContain('webgpu/1')
})
