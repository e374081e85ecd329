// A page's line to a session worker: a text that is asked for alone takes it, beside the way through the engine, and is run once.

import { afterEach, describe, expect, test } from 'vitest'
import { batching } from '../../runtime/batch/batching.ts'
import { type Answer, type Call, type EmbedCall, provenance, type TensorsCall } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { Begun } from '../../runtime/device/begun.ts'
import type { Member } from '../../runtime/device/member.ts'
import { onceOver } from '../../runtime/device/once.ts'
import { oneText } from '../../runtime/device/one-text.ts'
import type { Pool } from '../../runtime/device/pool.ts'
import { answerOver } from '../../runtime/device/port.ts'
import { mostBehind } from '../../runtime/device/protocol.ts'
import { keepLine } from '../../runtime/device/serving/line.ts'
import { Stillness } from '../../runtime/device/serving/stillness.ts'
import { linesBeside } from '../../runtime/page/line.ts'
import { tokenized } from '../../runtime/tasks/tokenized.ts'
import { createTokenizer } from '../../runtime/tasks/tokenizer.ts'
import { call, grown, makePool, type Script, settled, sleep, until } from './engine-pool-members.ts'
import { packed, textDescription, textTensors, tokenizerJson } from './tiny.ts'
import { context, tinySession } from './tiny-sessions.ts'

const bytes = new TextEncoder().encode(JSON.stringify(tokenizerJson))
const tokenizer = createTokenizer(bytes, 12)
const name = 'tiny-text'
const embed = (...input: string[]): EmbedCall => ({ kind: 'task', task: 'embed', model: { name }, input })
const answerOf = (executor: string): Answer => ({
	output: { kind: 'embed', vectors: [], tokens: 3 },
	ran: provenance(executor, { name }),
})
const executorOf = async (answer: Promise<Answer>) => (await answer).ran.executor

const patient = { timeout: 20_000 }

const ends: (() => void)[] = []
afterEach(() => {
	for (const end of ends.splice(0)) end()
})

/** A page, an engine that answers when it is told to, and lines to workers that do what they are told. */
function scene() {
	/** By text; in the engine's hands. */
	const asked = new Map<string, (answer: Answer | SpillwayError) => void>()
	const begun: string[] = []
	const ask: Executor['infer'] = (call, context) =>
		new Promise((resolve, reject) => {
			if (context.begun) begun.push(String((call as EmbedCall).input))
			asked.set(String((call as EmbedCall).input), (answer) => (answer instanceof SpillwayError ? reject(answer) : resolve(answer)))
		})
	/** Milliseconds; stands still, as no test may depend on how fast it is. */
	const time = { now: 0 }
	const lines = linesBeside(ask, () => time.now)
	return {
		...lines,
		time,
		/** Those of which the engine was told that a worker has begun them. */
		begun,
		/** Lets the engine answer a text. */
		engine(text: string, answer: Answer | SpillwayError = answerOf('engine')) {
			asked.get(text)?.(answer)
			asked.delete(text)
		},
		/** @returns the texts that come on it. */
		lay(answer: (() => Promise<Answer>) | undefined, space = '1') {
			const { port1: page, port2: worker } = new MessageChannel()
			ends.push(() => worker.close())
			const texts: string[] = []
			answerOver(worker, (call) => {
				texts.push(String((call as EmbedCall).input))
				return answer?.() ?? new Promise(() => {})
			})
			lines.lay({ type: 'line', model: name, space, port: page })
			return texts
		},
		/** As the page does. @returns who has answered. */
		embed(...texts: string[]) {
			const call = embed(...texts)
			lines.begin(call)
			const answered = executorOf(lines.ask(call, context()))
			answered.catch(() => {})
			return answered
		},
	}
}

const answers = async () => answerOf('line')

describe('the page', () => {
	test('takes what comes first: the line’s answer, the engine’s is passed by', async () => {
		const on = scene()
		const texts = on.lay(answers)
		for (const text of ['a', 'b']) {
			expect(await on.embed(text)).toBe('line')
			on.engine(text)
		}
		expect(texts).toEqual(['a', 'b'])
		expect(on.begun).toEqual(texts)
	})

	test('is answered by the engine where the line leads nowhere, or where something is wrong', async () => {
		const on = scene()
		for (const answer of [undefined, () => Promise.reject(new SpillwayError('internal', 'no'))]) {
			on.lay(answer)
			const answered = on.embed('a')
			on.engine('a')
			expect(await answered).toBe('engine')
		}
		const refused = on.embed('b')
		on.engine('b', new SpillwayError('unavailable', 'not now'))
		await expect(refused).rejects.toMatchObject({ code: 'unavailable', message: 'not now' })
	})

	test('is told by the engine that time is up, or that it is gone, whatever the line does', async () => {
		const on = scene()
		on.lay(undefined)
		const late = on.embed('a')
		on.engine('a', new SpillwayError('deadline-exceeded', 'too late'))
		await expect(late).rejects.toMatchObject({ code: 'deadline-exceeded' })
	})

	test('leaves to the engine what is not asked for alone', async () => {
		const on = scene()
		const texts = on.lay(undefined)
		const calls = [on.embed('two', 'texts'), on.embed('beside them')]
		for (const text of ['two,texts', 'beside them']) on.engine(text)
		expect(await Promise.all(calls)).toEqual(['engine', 'engine'])
		const alone = on.embed('alone')
		const beside = on.embed('beside it')
		for (const text of ['alone', 'beside it']) on.engine(text)
		expect(await Promise.all([alone, beside])).toEqual(['engine', 'engine'])
		const others: Call[] = [
			{ kind: 'tensors', model: { name }, tensors: {} },
			{ ...embed('of another'), model: { name: 'another' } },
		]
		on.lay(undefined)
		for (const other of others) on.begin(other)
		await expect.poll(() => texts, patient).toEqual(['alone'])
		expect(on.begun).toEqual(['alone'])
	})

	test('does not begin more while what was begun for nothing goes on', async () => {
		const on = scene()
		let answer = (_: Answer) => {}
		const texts = on.lay(() => new Promise((resolve) => (answer = resolve)))
		// Another executor answers it.
		on.begin(embed('a'))
		on.begin(embed('b'))
		await expect.poll(() => texts, patient).toEqual(['a'])
		answer(answerOf('line'))
		await expect
			.poll(() => {
				on.begin(embed('c'))
				return texts
			}, patient)
			.toEqual(['a', 'c'])
	})

	test('waits for an engine that is too far behind', async () => {
		const on = scene()
		const texts = on.lay(answers)
		const early = Array.from({ length: mostBehind + 1 }, (_, index) => String(index))
		for (const text of early) expect(await on.embed(text)).toBe('line')
		const late = on.embed('late')
		on.engine('late')
		expect(await late).toBe('engine')
		for (const text of early) on.engine(text)
		// It hears that in a moment.
		await Promise.resolve()
		expect(await on.embed('again')).toBe('line')
		expect(texts).toEqual([...early, 'again'])
	})

	test('leaves to the engine what had to wait in the worker, for it knows how long', async () => {
		const on = scene()
		on.lay(async () => {
			on.time.now += 300
			const { output, ran } = answerOf('line')
			return { output, ran: { ...ran, queue: 0, run: 200 } }
		})
		const waited = on.embed('a')
		await expect.poll(() => on.time.now, patient).toBe(300)
		on.engine('a')
		expect(await waited).toBe('engine')
	})

	test('uses none any more once the engine is gone', async () => {
		const on = scene()
		const texts = on.lay(undefined)
		on.embed('a')
		await expect.poll(() => texts, patient).toEqual(['a'])
		on.close(new SpillwayError('worker-lost', 'killed'))
		on.engine('a')
		const later = on.embed('b')
		on.engine('b')
		expect(await later).toBe('engine')
		expect(on.begun).toEqual(['a'])
	})

	test('uses the last line, and none into another space than that of what serves', async () => {
		const on = scene()
		const before = on.lay(answers, '1')
		const texts = on.lay(answers, '2')
		expect(await on.embed('a')).toBe('line')
		on.engine('a')
		on.cut(name, '2')
		expect(await on.embed('b')).toBe('line')
		on.engine('b')
		on.cut(name, '3')
		const last = on.embed('c')
		on.engine('c')
		expect(await last).toBe('engine')
		expect([before, texts]).toEqual([[], ['a', 'b']])
	})
})

describe('the worker', () => {
	const tensorsOf = (...ids: number[]): TensorsCall => ({ kind: 'tensors', model: { name }, tensors: textTensors([ids]) })

	/** Counts what reaches the session. */
	async function counting(fails: () => boolean = () => false) {
		const session = await tinySession('cpu')
		ends.push(() => void session.dispose())
		const runs: Call[] = []
		const infer: Executor['infer'] = async (call, context) => {
			runs.push(call)
			if (fails()) throw new SpillwayError('deadline-exceeded', 'too late')
			return session.infer(call, context)
		}
		return { session, runs, infer, ...onceOver((call) => infer(call, context()), infer) }
	}

	test('runs once what is asked for from both sides, and gives both the same', async () => {
		const { runs, first, again } = await counting()
		const [line, engine] = await Promise.all([first(tensorsOf(2, 4, 3)), again(tensorsOf(2, 4, 3), context())])
		expect(engine).toEqual(line)
		expect(runs).toHaveLength(1)
	})

	test('keeps it for once, and for as many calls as the engine may be behind', async () => {
		const { runs, first, again } = await counting()
		const ids = Array.from({ length: mostBehind + 1 }, (_, index) => 4 + index)
		for (const id of ids) await first(tensorsOf(2, id, 3))
		for (const id of ids) await again(tensorsOf(2, id, 3), context())
		expect(runs).toHaveLength(ids.length)
		await again(tensorsOf(2, 4, 3), context())
		expect(runs).toHaveLength(ids.length + 1)
		for (const id of [4, ...ids.map((id) => id + 1)]) await first(tensorsOf(2, id, 3))
		await again(tensorsOf(2, 4, 3), context())
		expect(runs).toHaveLength(2 * ids.length + 3)
	})

	test('takes for the same only what is the same in every byte, and for the same version', async () => {
		const { runs, first, again } = await counting()
		await first(tensorsOf(2, 4, 3))
		const others: Call[] = [tensorsOf(2, 5, 3), tensorsOf(2, 4, 4, 3), { ...tensorsOf(2, 4, 3), model: { name, version: '1.0.0' } }]
		for (const other of others) await again(other, context())
		expect(runs.slice(1)).toEqual(others)
	})

	test('runs again for the engine what failed for the page', async () => {
		let failing = true
		const { runs, first, again } = await counting(() => failing)
		await expect(first(tensorsOf(2, 4, 3))).rejects.toMatchObject({ code: 'deadline-exceeded' })
		failing = false
		expect((await again(tensorsOf(2, 4, 3), context())).output.kind).toBe('tensors')
		expect(runs).toHaveLength(2)
	})

	test('runs nothing again for the engine because of what comes to that in the same moment', async () => {
		const { manifest } = await packed(textDescription())
		if (!manifest.task) throw new Error('no task')
		const { session, runs, first, again } = await counting()
		const line = oneText(manifest.task, tokenizer, first)
		for (const text of ['hello', 'world']) await line(embed(text))
		const engine = tokenized(batching({ manifest })({ ...session, infer: again }), { manifest, tokenizer })
		const begun = { ...context(), begun: true }
		await Promise.all([
			engine.infer(embed('hello'), begun),
			engine.infer(embed('world'), begun),
			engine.infer(embed('red', 'blue'), context()),
		])
		const rows = runs.map((call) => (call as TensorsCall).tensors.ids?.shape[0])
		expect(rows).toEqual([1, 1, 2])
	})

	test('answers a line as the engine would, and one text at a time', async () => {
		const { manifest } = await packed(textDescription())
		const { session } = await counting()
		if (!manifest.task) throw new Error('no task')
		const infer = oneText(manifest.task, tokenizer, (call) => session.run(call))
		const expected = await tokenized(session, { manifest, tokenizer }).infer(embed('hello world'), context())
		const { output, ran } = await infer(embed('hello world'))
		expect(output).toEqual(expected.output)
		expect(ran).toMatchObject({ executor: 'device', version: '1.0.0', space: expected.ran.space, batch: 1 })
		await expect(infer({ ...embed('hello'), model: { name, version: '9' } })).rejects.toMatchObject({ code: 'not-found' })
		await expect(infer(embed('hello', 'world'))).rejects.toMatchObject({ code: 'unsupported' })
	})
})

describe('the engine', () => {
	test('leaves what was begun until something else comes, or for a moment', async () => {
		const begun = new Begun()
		const order: string[] = []
		const work =
			(text: string) =>
			async ({ remaining }: Context) => {
				order.push(text)
				return remaining
			}
		const hold = (remaining: number, text: string) => begun.hold(context({ remaining }), work(text))
		const held = [hold(1000, 'a'), hold(1000, 'b')]
		expect([order, begun.size]).toEqual([[], 2])
		begun.release()
		order.push('c')
		expect([order, begun.size]).toEqual([['a', 'b', 'c'], 0])
		for (const remaining of await Promise.all(held)) expect(remaining).toBeGreaterThan(900)
		expect(await hold(1000, 'd')).toBeLessThan(1000)
		await hold(1, 'e')
		expect(order).toEqual(['a', 'b', 'c', 'd', 'e'])
		await expect(begun.hold(context({ remaining: 1 }), () => Promise.reject(new Error('no')))).rejects.toThrow('no')
	})

	test('knows of what was begun which worker has begun it, though that is gone and another has its place', async () => {
		const begun = new Begun()
		const [before, after] = [new AbortController(), new AbortController()]
		const worker = () => begun.hold(context(), async ({ begunBy }) => begunBy)
		begun.worker = before.signal
		const held = worker()
		before.abort()
		begun.worker = after.signal
		begun.release()
		expect([await held, await worker()]).toEqual([before.signal, after.signal])
	})

	function engine() {
		const lines: MessagePort[] = []
		const workers: AbortSignal[] = []
		const life = new AbortController()
		let member: (Member & { laid: number; kill(): void }) | undefined
		const stillness = new Stillness()
		const look = keepLine({
			member: () => member,
			tokenizer: async () => bytes.slice(),
			stillness,
			signal: life.signal,
			onLine(port, worker) {
				lines.push(port)
				workers.push(worker)
			},
		})
		const made = () => {
			const over = new AbortController()
			const kill = () => over.abort(new SpillwayError('worker-lost', 'killed'))
			member = { ask: () => new Promise(() => {}), over: over.signal, memory: 0, laid: 0, lay: () => void one.laid++, end: kill, kill }
			const one = member
			return one
		}
		ends.push(() => {
			life.abort()
			for (const port of lines) port.close()
		})
		return { lines, workers, life, stillness, look, made }
	}

	test('lays a line when nobody asks for anything, and one to another worker when the first is gone', async () => {
		const { lines, workers, stillness, look, made } = engine()
		look()
		const first = made()
		const leave = stillness.enter()
		for (let turn = 0; turn < 3; turn++) look()
		await new Promise((resolve) => setTimeout(resolve, 50))
		expect(lines).toHaveLength(0)
		leave()
		await expect.poll(() => lines.length, patient).toBe(1)
		look()
		first.kill()
		const second = made()
		look()
		await expect.poll(() => lines.length, patient).toBe(2)
		expect([first.laid, second.laid]).toEqual([1, 1])
		expect(workers).toEqual([first.over, second.over])
	})

	test('lays none to a worker that has died meanwhile, nor once the version is over', async () => {
		const { lines, life, stillness, look, made } = engine()
		const leave = stillness.enter()
		const first = made()
		look()
		first.kill()
		leave()
		await new Promise((resolve) => setTimeout(resolve, 50))
		life.abort()
		made()
		look()
		await new Promise((resolve) => setTimeout(resolve, 50))
		expect(lines).toHaveLength(0)
	})
})

describe('a text that was begun, when its worker dies', () => {
	/** Session workers that run what comes by a line, too, for `time` ms, and the calls that each has run. */
	async function workers(most: number, time = 0) {
		const runs: number[][] = []
		const lines: ((call: TensorsCall) => Promise<Answer>)[] = []
		const worker: Script = (inner) => {
			const own: number[] = []
			runs.push(own)
			const run = async (call: Call, context: Context) => {
				own.push(Number((call as TensorsCall).tensors.ids?.data[1]))
				await sleep(time)
				return inner(call, context)
			}
			const { first, again } = onceOver((call) => run(call, context()), run)
			lines.push(first)
			return again
		}
		const { pool, members, started } = await makePool(most, [worker])
		ends.push(() => void pool.dispose().then(() => members.session.dispose()))
		const { manifest } = await packed(textDescription())
		const engine = batching({ manifest, width: () => pool.width })(pool)
		/** By a line to a worker, whatever becomes of it. */
		const begin = (id: number, worker = 0) => void lines[worker]?.(call(id)).catch(() => {})
		/** As the engine does with what the first worker has begun. */
		const ask = (id: number) => settled([engine.infer(call(id), context({ begun: true, begunBy: started[0]?.member.over }))])
		/** Kills a worker once it runs the call. */
		const killAt = async (worker: number, id: number) => {
			await until(() => runs[worker]?.includes(id) ?? false)
			started[worker]?.kill()
		}
		return { pool, engine, started, runs, begin, ask, killAt }
	}

	test('is lost with the next one: that had its replay', async () => {
		const { runs, begin, ask, killAt } = await workers(1, 50)
		begin(4)
		await killAt(0, 4)
		const [told] = await Promise.all([ask(4), killAt(1, 4)])
		expect([told, runs.slice(0, 2)]).toEqual([['worker-lost'], [[4], [4]]])
		await sleep(50)
		expect(runs.flat()).toEqual([4, 4])
	})

	test('is replayed once when the engine had asked that worker', async () => {
		for (const deaths of [1, 2]) {
			const { started, runs, begin, ask, killAt } = await workers(1, 50)
			begin(4)
			const told = ask(4)
			await until(() => started[0]?.calls.length === 1)
			for (let worker = 0; worker < deaths; worker++) await killAt(worker, 4)
			expect(await told).toEqual([deaths === 1 ? 'answered' : 'worker-lost'])
			expect(runs.flat()).toEqual([4, 4])
		}
	})

	test('is replayed once as any call, when it was the other worker that died', async () => {
		const { pool, engine, runs, ask, killAt } = await workers(2, 50)
		await grownBeside(pool, engine)
		const busy = engine.infer(call(5), context())
		await until(() => runs[0]?.includes(5) ?? false)
		const [told] = await Promise.all([ask(4), killAt(1, 4)])
		await busy
		expect([told, runs.flat().filter((id) => id === 4)]).toEqual([['answered'], [4, 4]])
	})

	test('is asked of that worker when it is free, whatever else comes in the same moment', async () => {
		const { pool, engine, runs, begin, ask } = await workers(2, 50)
		await grownBeside(pool, engine)
		begin(4)
		const all = [settled([engine.infer({ ...call(), tensors: textTensors([[7]]) }, context())]), ask(4)]
		expect(await Promise.all(all)).toEqual([['answered'], ['answered']])
		expect(runs.flat().filter((id) => id === 4)).toHaveLength(1)
	})

	async function grownBeside(pool: Pool, engine: Executor) {
		const calls = [6, 8].map((id) => engine.infer(call(id), context()))
		await Promise.all([grown(pool, 2), ...calls])
	}
})
