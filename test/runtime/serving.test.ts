// One executor over kinds of session workers: another takes over without a call lost, and where one fails the next answers.

import { expect, test } from 'vitest'
import type { Answer, Call, TensorsCall } from '../../runtime/core/call.ts'
import { provenance } from '../../runtime/core/call.ts'
import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import type { Context } from '../../runtime/core/executor.ts'
import type { Member } from '../../runtime/device/member.ts'
import { createPool, type Pool } from '../../runtime/device/pool.ts'
import type { Kind } from '../../runtime/device/serving/kind.ts'
import { createServing, type Serving, type ServingOptions } from '../../runtime/device/serving/serving.ts'
import { kind } from './kinds.ts'
import { textTensors } from './tiny.ts'
import { context } from './tiny-sessions.ts'

const wasm = kind('wasm', 1, 2)
const threaded = kind('wasm', 2)
const webgpu = kind('webgpu')

const call: TensorsCall = { kind: 'tensors', model: { name: 'tiny-text' }, tensors: textTensors([[2, 4, 3]]) }

/** What the workers of a kind do with a call. */
type Behaviour = (call: Call, context: Context) => Promise<Answer>

interface Worker {
	kind: Kind
	asked: number
	over: AbortController
	kill(code?: ErrorCode): void
}

/**
 * Pools are real, their workers are scripted.
 *
 * @param held by provider: no worker but the first is there before.
 */
function scene(
	behaviours: Partial<Record<string, Behaviour | 'refuses'>> = {},
	fallbacks: Kind[] = [wasm],
	held: Partial<Record<string, Promise<void>>> = {},
) {
	const workers: Worker[] = []
	const pools: Pool[] = []
	const failures: SpillwayError[] = []
	const answers =
		(kind: Kind): Behaviour =>
		async () => ({
			output: { kind: 'tensors', tensors: {} },
			ran: { ...provenance('device', { name: 'tiny-text' }), provider: kind.provider, run: 1 },
		})
	const open: ServingOptions['open'] = async (kind, events) => {
		let lost = false
		const pool = await createPool({
			name: 'device',
			most: kind.workers,
			work: () => 1,
			...events,
			async start() {
				const behaviour = behaviours[kind.provider] ?? answers(kind)
				if (behaviour === 'refuses') throw new SpillwayError('golden-mismatch', `${kind.provider} computes wrongly`)
				if (lost && kind.provider !== 'wasm') throw new SpillwayError('worker-lost', 'the GPU is gone')
				if (workers.length > 0) await held[kind.provider]
				const over = new AbortController()
				const end = (error: SpillwayError) => {
					lost = true
					over.abort(error)
				}
				const worker: Worker = { kind, asked: 0, over, kill: (code = 'worker-lost') => end(new SpillwayError(code, 'killed')) }
				workers.push(worker)
				const member: Member = {
					over: over.signal,
					memory: 0,
					lay: () => {},
					end,
					ask(call, context) {
						worker.asked++
						return new Promise((resolve, reject) => {
							over.signal.addEventListener('abort', () => reject(over.signal.reason))
							behaviour(call, context).then(resolve, reject)
						})
					},
				}
				return member
			},
		})
		pools.push(pool)
		return pool
	}
	const made = createServing({ name: 'device', first: wasm, open, fallbacks: () => fallbacks, onFailed: (error) => failures.push(error) })
	return { made, workers, pools, failures }
}

const infer = async (serving: Serving, over: Partial<Context> = {}) => (await serving.infer(call, context(over))).ran.provider
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const slow =
	(milliseconds: number, provider: string): Behaviour =>
	async () => {
		await sleep(milliseconds)
		return {
			output: { kind: 'tensors', tensors: {} },
			ran: { ...provenance('device', { name: 'tiny-text' }), provider, run: milliseconds },
		}
	}
const fails =
	(code: ErrorCode): Behaviour =>
	async () => {
		throw new SpillwayError(code, `failed: ${code}`)
	}
const until = async (condition: () => boolean) => {
	while (!condition()) await sleep(2)
}

test('the first kind serves', async () => {
	const { made } = scene()
	const serving = await made
	expect(await infer(serving)).toBe('wasm')
	expect(serving).toMatchObject({ kind: wasm, most: 2, workers: 1, width: 1, failures: [] })
	await serving.dispose()
})

test('another kind takes over: calls under way are answered where they are, then the old workers end', async () => {
	const { made, workers } = scene({ wasm: slow(40, 'wasm') })
	const serving = await made
	const before = [infer(serving), infer(serving), infer(serving)]
	await serving.swap(webgpu)
	expect(await infer(serving)).toBe('webgpu')
	expect(workers[0]?.over.signal.aborted).toBe(false)
	expect(await Promise.all(before)).toEqual(['wasm', 'wasm', 'wasm'])
	await until(() => workers.filter(({ kind }) => kind === wasm).every(({ over }) => over.signal.aborted))
	expect(serving.kind).toBe(webgpu)
	await serving.dispose()
})

test('as many workers as were measured to be best: no worker is started anew', async () => {
	const { made, workers } = scene()
	const serving = await made
	await serving.swap(kind('wasm', 1, 1))
	expect(serving.most).toBe(1)
	expect(workers).toHaveLength(1)
	expect(await infer(serving)).toBe('wasm')
	await serving.dispose()
})

test('a kind that cannot be started: everything goes on as before', async () => {
	const { made } = scene({ webgpu: 'refuses' })
	const serving = await made
	await expect(serving.swap(webgpu)).rejects.toMatchObject({ code: 'golden-mismatch' })
	expect(await infer(serving)).toBe('wasm')
	await serving.dispose()
})

test('a GPU whose worker dies in mid-run: its calls are answered by the next kind, and it is not used again', async () => {
	const { made, workers } = scene({ webgpu: slow(60, 'webgpu') })
	const serving = await made
	await serving.swap(webgpu)
	const calls = Array.from({ length: 5 }, () => infer(serving))
	await until(() => (workers.at(-1)?.asked ?? 0) > 0)
	workers.at(-1)?.kill()
	expect(await Promise.all(calls)).toEqual(new Array(5).fill('wasm'))
	expect(serving.kind).toBe(wasm)
	expect(serving.failures).toMatchObject([{ kind: webgpu, error: { code: 'worker-lost' } }])
	expect(workers.filter(({ kind }) => kind === webgpu)).toHaveLength(1)
	await serving.dispose()
})

test.each(['internal', 'out-of-memory', 'unavailable'] as const)('a GPU that answers with "%s": the next kind answers', async (code) => {
	const { made } = scene({ webgpu: fails(code) })
	const serving = await made
	await serving.swap(webgpu)
	expect(await infer(serving)).toBe('wasm')
	expect(serving.failures).toMatchObject([{ kind: webgpu, error: { code } }])
	await serving.dispose()
})

test('an input that is wrong is the caller’s, on a GPU too', async () => {
	const { made } = scene({ webgpu: fails('invalid-input') })
	const serving = await made
	await serving.swap(webgpu)
	await expect(infer(serving)).rejects.toMatchObject({ code: 'invalid-input' })
	expect(serving.kind).toBe(webgpu)
	await serving.dispose()
})

test('an error of WebAssembly is the call’s own', async () => {
	const { made } = scene({ wasm: fails('internal') })
	const serving = await made
	await expect(infer(serving)).rejects.toMatchObject({ code: 'internal' })
	expect(serving.failures).toEqual([])
	await serving.dispose()
})

test('threads that die again and again give way to one thread', async () => {
	const { made, workers } = scene({}, [threaded, wasm])
	const serving = await made
	await serving.swap(threaded)
	expect(serving.kind).toBe(threaded)
	for (let deaths = 0; deaths < 4; deaths++) {
		const started = workers.length
		workers.at(-1)?.kill()
		await until(() => workers.length > started || serving.kind !== threaded)
	}
	expect(await infer(serving)).toBe('wasm')
	expect(serving.kind).toBe(wasm)
	await serving.dispose()
})

test('when no kind is left, it says so, and every call gets the reason', async () => {
	const { made, workers, failures } = scene({ wasm: slow(1000, 'wasm') }, [wasm])
	const serving = await made
	serving.setMost(1)
	const calls = Promise.allSettled([infer(serving), infer(serving)])
	for (let deaths = 0; deaths < 4; deaths++) {
		const started = workers.length
		workers.at(-1)?.kill()
		await until(() => workers.length > started || failures.length > 0)
	}
	for (const result of await calls) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'worker-lost' } })
	expect(failures).toMatchObject([{ code: 'worker-lost' }])
	await expect(infer(serving)).rejects.toMatchObject({ code: 'worker-lost' })
	expect(serving.estimate(call)).toMatchObject({ can: 'no', reason: 'unhealthy' })
})

test('a call that comes while the next kind is being started waits for it, within its deadline', async () => {
	const { made, workers } = scene({ webgpu: slow(1000, 'webgpu') })
	const serving = await made
	await serving.swap(webgpu)
	workers.at(-1)?.kill()
	const late = infer(serving, { remaining: 1 })
	const patient = infer(serving)
	expect(await patient).toBe('wasm')
	await late.catch((error) => expect(error).toMatchObject({ code: 'deadline-exceeded' }))
	await serving.dispose()
})

test('a kind whose place another takes while it is being started leaves no worker', async () => {
	let startWasm = () => {}
	let startWebnn = () => {}
	const { made, workers } = scene({}, [wasm], {
		wasm: new Promise((resolve) => (startWasm = resolve)),
		webnn: new Promise((resolve) => (startWebnn = resolve)),
	})
	const serving = await made
	await serving.swap(webgpu)
	const swapping = serving.swap(kind('webnn'))
	// While WebNN is being started WebGPU dies: wasm is to answer instead, but is not there yet when WebNN is.
	workers.find(({ kind }) => kind === webgpu)?.kill()
	await until(() => serving.kind === wasm)
	startWebnn()
	await swapping
	expect(serving.kind.provider).toBe('webnn')
	startWasm()
	await until(() => workers.length === 4)
	await until(() => workers.at(-1)?.over.signal.aborted === true)
	await serving.dispose()
	expect(workers.every(({ over }) => over.signal.aborted)).toBe(true)
})

test('disposing ends the workers of all kinds, and settles what is under way', async () => {
	const { made, workers } = scene({ wasm: slow(1000, 'wasm'), webgpu: slow(1000, 'webgpu') })
	const serving = await made
	const old = infer(serving)
	await serving.swap(webgpu)
	const both = Promise.allSettled([old, infer(serving)])
	await sleep(5)
	await serving.dispose()
	for (const result of await both) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'disposed' } })
	expect(workers.every(({ over }) => over.signal.aborted)).toBe(true)
	await expect(serving.swap(webgpu)).rejects.toMatchObject({ code: 'disposed' })
})
