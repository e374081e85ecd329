// What was measured is kept for the device that it was measured on, unless that was disturbed.

import { expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Member } from '../../runtime/device/member.ts'
import { tellTrial, winnerOf } from '../../runtime/device/serving/trial.ts'
import { runTrials, type TrialsOptions } from '../../runtime/device/serving/trials.ts'
import { passing, scene, trialOf, two, webgpu } from './serving-scene.ts'

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

test('no memory for a trial: the reason is told, and it is tried again the next time', async () => {
	const full = new SpillwayError('out-of-memory', 'ring needs 80 MB of memory, and of the 100 MB that models may take 60 are in use')
	const trials = await scene({ kinds: [webgpu], speeds: { 'webgpu/1': full } }).run()
	expect(trialOf(trials, webgpu)).toMatchObject({ golden: null, refused: full.message })
	const again = scene({ kinds: [webgpu] })
	expect(trialOf(await again.run(), webgpu).refused).toBeNull()
})
