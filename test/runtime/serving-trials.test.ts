// Which kind of session worker is the best: measured in the background, correctness first; kept for the device that it was measured on.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Member } from '../../runtime/device/member.ts'
import { type Kind, nameOf } from '../../runtime/device/serving/kind.ts'
import { samplesOf } from '../../runtime/device/serving/measure.ts'
import { type RecordOptions, recordOf } from '../../runtime/device/serving/record.ts'
import { Stillness } from '../../runtime/device/serving/stillness.ts'
import { type Trial, tellTrial, whyOf, winnerOf } from '../../runtime/device/serving/trial.ts'
import { runTrials, type TrialsOptions } from '../../runtime/device/serving/trials.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import { kind } from './kinds.ts'
import { packed, pixelDescription, textDescription } from './tiny.ts'

const reference = kind('wasm')
const two = kind('wasm', 1, 2)
const threaded = kind('wasm', 2)
const webgpu = kind('webgpu')
const { manifest } = await packed(textDescription())
const samples = samplesOf(manifest, 'fp32')

let records = memoryStorage().records
beforeEach(() => {
	records = memoryStorage().records
	// What is measured must not depend on what else this machine does.
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] })
})
afterEach(() => {
	vi.useRealTimers()
})

/** Lets time pass until the work is done. */
async function passing<T>(work: Promise<T>): Promise<T> {
	let done = false
	work
		.catch(() => {})
		.finally(() => {
			done = true
		})
	while (!done) await vi.advanceTimersByTimeAsync(1)
	return work
}

interface Scene {
	/** Milliseconds of a run, by the name of the kind; or what its start fails with. */
	speeds?: Record<string, number | SpillwayError>
	kinds?: Kind[]
	stillness?: Stillness
	record?: Partial<RecordOptions>
	more?: Partial<TrialsOptions>
}

/** Runs that compute would share the processor: these share nothing, two workers are twice as fast. */
function scene({ speeds = {}, kinds = [two, webgpu], stillness = new Stillness(), record = {}, more = {} }: Scene = {}) {
	const starts: string[] = []
	const ends: string[] = []
	const running = new Set<string>()
	const life = new AbortController()
	const name = ({ provider, threads }: Kind) => `${provider}/${threads}`
	const options: TrialsOptions = {
		reference,
		kinds,
		samples,
		async start(kind) {
			const speed = speeds[name(kind)] ?? 4
			starts.push(name(kind))
			if (speed instanceof SpillwayError) throw speed
			const over = new AbortController()
			const id = `${name(kind)} ${starts.length}`
			running.add(id)
			const member: Member = {
				over: over.signal,
				memory: 30e6,
				lay: () => {},
				end(error) {
					if (!over.signal.aborted) ends.push(id)
					running.delete(id)
					over.abort(error)
				},
				ask: ({ model }) =>
					new Promise((resolve, reject) => {
						over.signal.addEventListener('abort', () => reject(over.signal.reason))
						if (speed < Number.POSITIVE_INFINITY)
							setTimeout(() => resolve({ output: { kind: 'tensors', tensors: {} }, ran: provenance('device', model) }), speed)
					}),
			}
			return member
		},
		obtain: async () => {},
		deviceOf: ({ provider }) => (provider === 'wasm' ? null : 'adapter A'),
		record: recordOf({ records, digest: 'd', variant: 'fp32', subject: 'this browser', gpu: 'adapter A', webnn: false, ...record }),
		stillness,
		signal: life.signal,
		onTrial: () => {},
		limits: { pause: 5, trial: 5_000, all: 20_000, again: 5 },
		...more,
	}
	return { run: () => passing(runTrials(options)), starts, ends, running, life, stillness, options }
}

const trialOf = (trials: readonly Trial[], kind: Kind) => trials.find((trial) => nameOf(trial) === nameOf(kind)) as Trial

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

test('what was measured is kept, and nothing is started the next time', async () => {
	await scene().run()
	const again = scene()
	const trials = await again.run()
	expect(again.starts).toEqual([])
	expect(trials).toHaveLength(3)
})

test.each([
	['another adapter', { gpu: 'adapter B' }, ['wasm/1', 'webgpu/1']],
	['no adapter any more', { gpu: null }, ['wasm/1', 'webgpu/1']],
	['another browser', { subject: 'another browser' }, ['wasm/1', 'wasm/1', 'webgpu/1']],
	['another model', { digest: 'e' }, ['wasm/1', 'wasm/1', 'webgpu/1']],
] as const)('%s: what was measured there is not used', async (_, record, starts) => {
	await scene().run()
	const again = scene({ record })
	await again.run()
	expect(again.starts).toEqual(starts)
})

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

test('a device that is busy is measured again; what it says then is not kept', async () => {
	let turn = 0
	// One in four runs takes much longer, on whatever worker.
	const hiccups: Partial<TrialsOptions> = {
		async start(kind, signal) {
			const member = await options.start(kind, signal)
			return {
				...member,
				ask: async (...call) => {
					if (Math.floor(turn++ / 40) % 2) await new Promise((resolve) => setTimeout(resolve, 20))
					return member.ask(...call)
				},
			}
		},
	}
	const { options } = scene({ kinds: [two] })
	const trials = await passing(runTrials({ ...options, ...hiccups }))
	expect(trialOf(trials, two)).toMatchObject({ golden: 'passed', busy: true })
	expect(tellTrial(trialOf(trials, two), winnerOf(trials), true).verdict).toMatch(/measured while the device was busy$/)
	const again = scene({ kinds: [two] })
	expect(trialOf(await again.run(), two).busy).toBe(false)
	expect(again.starts).toHaveLength(2)
})

test('that several workers are no faster than one is measured again, and not kept: other programs may have the processors', async () => {
	let last: Promise<unknown> = Promise.resolve()
	const shared: Partial<TrialsOptions> = {
		async start(kind, signal) {
			const member = await options.start(kind, signal)
			// One run at a time, whatever the worker.
			const ask: Member['ask'] = (...call) => {
				const answer = last.then(() => member.ask(...call))
				last = answer.catch(() => {})
				return answer
			}
			return { ...member, ask }
		},
	}
	const { options } = scene({ kinds: [two] })
	const trials = await passing(runTrials({ ...options, ...shared }))
	expect(trialOf(trials, two)).toMatchObject({ golden: 'passed', busy: false })
	expect(winnerOf(trials)?.workers).toBe(1)
	const again = scene({ kinds: [two] })
	expect(trialOf(await again.run(), two).gain).toBeGreaterThan(1.4)
	expect(again.starts).toHaveLength(2)
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

test('no memory for a trial: the reason is told, and it is tried again the next time', async () => {
	const full = new SpillwayError('out-of-memory', 'ring needs 80 MB of memory, and of the 100 MB that models may take 60 are in use')
	const trials = await scene({ kinds: [webgpu], speeds: { 'webgpu/1': full } }).run()
	expect(trialOf(trials, webgpu)).toMatchObject({ golden: null, refused: full.message })
	const again = scene({ kinds: [webgpu] })
	expect(trialOf(await again.run(), webgpu).refused).toBeNull()
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

test('samples: as they are, and as batches along the axis that the manifest names', async () => {
	const [text] = samples
	expect(text?.lone.tensors.ids?.shape).toEqual([1, 4])
	expect(text?.batch.tensors.ids?.shape).toEqual([8, 4])
	expect(text?.rows).toBe(8)
	const pixels = samplesOf((await packed(pixelDescription())).manifest, 'fp32')
	expect(pixels[0]?.batch.tensors.pixels?.shape).toEqual([1, 2, 3])
	expect(pixels[0]?.rows).toBe(1)
})
