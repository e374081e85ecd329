// Which kind of session worker is the best: by measured rates, correctness first.

import { expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { samplesOf } from '../../runtime/device/serving/measure.ts'
import { type Trial, tellTrial, whyOf, winnerOf } from '../../runtime/device/serving/trial.ts'
import { reference, samples, scene, trialOf, two, webgpu } from './serving-scene.ts'
import { packed, pixelDescription } from './tiny.ts'

test('the highest rate wins, and the reasons are told with figures', async () => {
	const { run, running } = scene({ speeds: { 'wasm/1': 8, 'webgpu/1': 1 } })
	const trials = await run()
	expect(winnerOf(trials)).toBe(trialOf(trials, webgpu))
	expect(trialOf(trials, reference)).toMatchObject({ gain: 1, golden: 'passed', refused: null })
	expect(trialOf(trials, two).gain).toBeGreaterThan(1.4)
	expect(trialOf(trials, webgpu).gain).toBeGreaterThan(trialOf(trials, two).gain as number)
	for (const trial of trials) expect(trial.rate).toBeGreaterThan(0)
	for (const trial of trials) expect(trial.latency).toBeGreaterThan(0)
	const winner = winnerOf(trials) as Trial
	expect(whyOf(winner, trials)).toMatch(
		/^measured: \d+\.\d\d times the rate of one wasm worker of one thread \(wasm, 2 workers of 1 thread \d/,
	)
	expect(tellTrial(trialOf(trials, two), winner, false).verdict).toMatch(/^not faster: \d/)
	// Nothing is left.
	expect(running.size).toBe(0)
})

test('who computes wrongly is rejected with figures, however fast', async () => {
	const wrong = new SpillwayError('golden-mismatch', 'tiny computes wrongly on webgpu here: row 0: cosine 0.31 is below 0.995')
	const trials = await scene({ speeds: { 'wasm/1': 8, 'webgpu/1': wrong } }).run()
	expect(trialOf(trials, webgpu)).toMatchObject({ golden: 'failed', rate: null, refused: wrong.message })
	expect(winnerOf(trials)).toBe(trialOf(trials, two))
	expect(tellTrial(trialOf(trials, webgpu), winnerOf(trials), false).verdict).toContain('cosine 0.31 is below 0.995')
	// That, too, is kept.
	const again = scene({ kinds: [webgpu] })
	await again.run()
	expect(again.starts).toEqual([])
})

test('where rates are close, less memory wins', () => {
	const trial = (workers: number, gain: number, memory: number): Trial => ({
		provider: 'wasm',
		threads: 1,
		workers,
		build: 'wasm',
		golden: 'passed',
		rate: gain * 100,
		gain,
		latency: 1,
		memory,
		refused: null,
		busy: false,
		device: null,
	})
	expect(winnerOf([trial(1, 1, 50), trial(2, 1.08, 100)])?.workers).toBe(1)
	expect(winnerOf([trial(1, 1, 50), trial(2, 1.2, 100)])?.workers).toBe(2)
	expect(winnerOf([trial(1, 1, 50), trial(2, 1.9, 100), trial(4, 1.95, 200)])?.workers).toBe(2)
	expect(winnerOf([{ ...trial(1, 9, 50), refused: 'wrong' }, trial(2, 1, 100)])?.workers).toBe(2)
	expect(winnerOf([])).toBeUndefined()
	// Who answers a lone call sooner may be slower under load by a little more.
	const threaded = (gain: number, latency: number): Trial => ({ ...trial(1, gain, 60), threads: 2, latency })
	expect(winnerOf([threaded(1.65, 0.7), trial(2, 1.9, 100)])?.threads).toBe(2)
	expect(winnerOf([threaded(1.65, 1), trial(2, 1.9, 100)])?.threads).toBe(1)
	expect(winnerOf([threaded(1.4, 0.7), trial(2, 1.9, 100)])?.threads).toBe(1)
	const close = [trial(1, 1, 50), trial(2, 1.08, 100)]
	expect(whyOf(close[0] as Trial, close)).toContain('close to the fastest and with less memory')
	expect(tellTrial(close[1] as Trial, close[0], false).verdict).toMatch(/^hardly faster, but larger: 1.08 times/)
})

test('samples: as they are, and as batches along the axis that the manifest names', async () => {
	const [text] = samples
	expect(text?.lone.tensors.ids?.shape).toEqual([1, 4])
	expect(text?.batch.tensors.ids?.shape).toEqual([8, 4])
	expect(text?.rows).toBe(8)
	const pixels = samplesOf((await packed(pixelDescription())).manifest, 'fp32')
	expect(pixels[0]?.batch.tensors.pixels?.shape).toEqual([1, 2, 3])
	expect(pixels[0]?.rows).toBe(1)
})
