// Who serves a model: the first kind at once, the best when it is known, and what is told about it.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Tuning } from '../../runtime/device/control.ts'
import type { Member } from '../../runtime/device/member.ts'
import { createPool } from '../../runtime/device/pool.ts'
import { type Device, firstKind, type Kind } from '../../runtime/device/serving/kind.ts'
import { Selection } from '../../runtime/device/serving/selection.ts'
import { createServing, type Serving } from '../../runtime/device/serving/serving.ts'
import { Stillness } from '../../runtime/device/serving/stillness.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import { packed, textDescription } from './tiny.ts'

const { manifest, digest } = await packed(textDescription())
const [variant] = Object.values(manifest.variants)
if (variant?.graphs.wasm) variant.graphs.webgpu = { ...variant.graphs.wasm, file: 'webgpu.onnx' }
const adapter = { vendor: 'v', architecture: 'a', device: 'd', description: '' }
const here: Device = { cores: 2, threads: false, noGpuBuild: null, gpu: adapter, webnn: false }

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
})
afterEach(() => {
	vi.useRealTimers()
})

/** Milliseconds of a run by provider. */
type Speeds = (provider: Kind['provider']) => number | SpillwayError

interface Scene {
	speeds: Speeds
	tuning?: Tuning
	device?: Device
	/** Fails when a kind is to serve. */
	refuses?: Kind['provider']
	records?: ReturnType<typeof memoryStorage>['records']
}

async function scene({
	speeds,
	tuning = { providers: ['wasm', 'webgpu'] },
	device = here,
	refuses,
	records = memoryStorage().records,
}: Scene) {
	const life = new AbortController()
	const first = firstKind(manifest, tuning, device)
	const served: Member[] = []
	let trials = 0
	async function start(kind: Kind): Promise<Member> {
		const speed = speeds(kind.provider)
		if (speed instanceof SpillwayError) throw speed
		const over = new AbortController()
		return {
			over: over.signal,
			memory: 30e6,
			lay: () => {},
			end: (error) => over.abort(error),
			ask: ({ model }) =>
				new Promise((resolve, reject) => {
					over.signal.addEventListener('abort', () => reject(over.signal.reason))
					const answer = { output: { kind: 'tensors' as const, tensors: {} }, ran: provenance('device', model) }
					setTimeout(() => resolve(answer), speeds(kind.provider) as number)
				}),
		}
	}
	const selection = new Selection({
		manifest,
		digest,
		tuning,
		first,
		records,
		stillness: new Stillness(),
		signal: life.signal,
		findDevice: async () => device,
		start(kind) {
			trials++
			return start(kind)
		},
		obtain: async () => {},
		onChange: () => {},
	})
	const serving: Serving = await createServing({
		name: 'device',
		first,
		open: (kind, events) =>
			createPool({
				name: 'device',
				most: kind.workers,
				work: () => 1,
				...events,
				async start() {
					// As in a page: a GPU that was lost is not tried again.
					if (kind.provider !== 'wasm' && served.some(({ over }) => over.aborted)) throw new SpillwayError('worker-lost', 'the GPU is gone')
					if (kind.provider === refuses) throw new SpillwayError('environment', 'the adapter is gone')
					const member = await start(kind)
					served.push(member)
					return member
				},
			}),
		fallbacks: () => selection.fallbacks(),
	})
	let done = false
	const begin = async () => {
		done = false
		selection.begin(serving).then(() => {
			done = true
		})
		while (!done) await vi.advanceTimersByTimeAsync(1)
		return selection.report(serving)
	}
	return { selection, serving, begin, served, records, trials: () => trials }
}

const fast = { wasm: 8, webgpu: 1, webnn: 1, cpu: 1 }
const verdict = (report: ReturnType<Selection['report']>, provider: string) =>
	report.trials.find((trial) => trial.provider === provider)?.verdict

test('the best takes over, and why is told', async () => {
	const { begin, selection, serving } = await scene({ speeds: (provider) => fast[provider] })
	expect(selection.report(serving)).toMatchObject({
		provider: 'wasm',
		most: 2,
		trials: [],
		why: expect.stringMatching(/^wasm serves first/),
	})
	const report = await begin()
	expect(report).toMatchObject({ provider: 'webgpu', workers: 1, most: 1 })
	expect(report.why).toMatch(
		/^measured: \d\.\d\d times the rate of one wasm worker of one thread \(wasm, 2 workers of 1 thread 2\.00 times; .*1\.00 times\)$/,
	)
	expect(verdict(report, 'webgpu')).toMatch(/^serves: /)
	expect(verdict(report, 'wasm')).toMatch(/^not faster: 2\.00 times/)
})

test('what was remembered takes over without being measured again', async () => {
	const { begin, records } = await scene({ speeds: (provider) => fast[provider] })
	const before = await begin()
	const again = await scene({ speeds: (provider) => fast[provider], records })
	expect(await again.begin()).toEqual(before)
	expect(again.trials()).toBe(0)
})

test('a best one that cannot be started gives way to the next', async () => {
	const { begin } = await scene({ speeds: (provider) => fast[provider], refuses: 'webgpu' })
	const report = await begin()
	expect(report).toMatchObject({ provider: 'wasm', most: 2 })
	expect(verdict(report, 'webgpu')).toBe('could not be started: the adapter is gone')
})

test('a best one that fails later: the next serves, and it says so', async () => {
	const { begin, selection, serving, served } = await scene({ speeds: (provider) => fast[provider] })
	await begin()
	await vi.advanceTimersByTimeAsync(10)
	served.at(-1)?.end(new SpillwayError('worker-lost', "the GPU's device was lost"))
	await vi.advanceTimersByTimeAsync(10)
	const report = selection.report(serving)
	expect(report).toMatchObject({ provider: 'wasm', most: 2, why: 'webgpu failed: the GPU is gone' })
	expect(verdict(report, 'webgpu')).toBe('failed: the GPU is gone')
})

test('one worker as good as two: one is kept, unless the device was busy when that was measured', async () => {
	// Whatever is asked, one at a time.
	let free = 0
	const shared = (busy: () => number): Speeds => {
		return () => {
			free = Math.max(free, performance.now()) + 2 + busy()
			return free - performance.now()
		}
	}
	const tuning: Tuning = {}
	const calm = await scene({ speeds: shared(() => 0), tuning })
	expect(await calm.begin()).toMatchObject({ provider: 'wasm', most: 1 })
	const busy = await scene({ speeds: shared(() => (Math.floor(performance.now() / 170) % 2 ? 10 : 0)), tuning })
	expect(await busy.begin()).toMatchObject({ provider: 'wasm', most: 2 })
})

test('providers that were named and are not there are told of', async () => {
	const { begin } = await scene({ speeds: (provider) => fast[provider], device: { ...here, gpu: null } })
	expect(verdict(await begin(), 'webgpu')).toBe('there is no WebGPU adapter here')
})

test('nothing to choose from: nothing is measured', async () => {
	const { begin, trials } = await scene({ speeds: () => 1, tuning: { workers: 1, threads: 1 } })
	expect(await begin()).toMatchObject({ provider: 'wasm', most: 1, why: 'there is no other choice here', trials: [] })
	expect(trials()).toBe(0)
})
